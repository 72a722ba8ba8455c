/**
 * The page's one style sheet. Colours are named by what they say; text on its background has a contrast of 4.5 to 1 or
 * more in both schemes, and no state is told by colour alone.
 */
export const STYLE = `:root{color-scheme:light dark;
--page:#f5f6f7;--card:#fff;--text:#1b1f24;--quiet:#57606a;--line:#dfe2e6;--track:#e8eaed;
--ok:#1a7f4b;--ok-fill:#3fa66f;--warn:#8a5a00;--warn-fill:#d99a17;--bad:#b42318;--bad-fill:#d9483b;--spent:#3b6fd4;--link:#0b57c4}
@media(prefers-color-scheme:dark){:root{
--page:#101317;--card:#181c21;--text:#e6e9ed;--quiet:#9aa4af;--line:#2b3138;--track:#262c33;
--ok:#5fcf94;--ok-fill:#35946a;--warn:#e9b949;--warn-fill:#c08a1c;--bad:#ff8a80;--bad-fill:#d9534a;--spent:#6b9bf2;--link:#8ab4ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
.wrap{max-width:1180px;margin:0 auto;padding:20px 20px 40px}
h1{font-size:1.15rem;line-height:1.3;margin:0}
h2{font-size:.95rem;line-height:1.3;margin:0 0 10px}
h3{font-size:.95rem;line-height:1.4;margin:14px 0 2px}
p{margin:0 0 8px}
a{color:var(--link)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:var(--track);border-radius:4px;padding:.1em .35em;white-space:pre-wrap}
h4{font-size:.9rem;line-height:1.4;margin:12px 0 2px}
pre{font:.82rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:var(--track);border-radius:6px;padding:10px 12px;margin:0 0 10px;max-height:26rem;overflow:auto;white-space:pre-wrap}
.command{display:inline-flex;gap:6px;align-items:baseline;max-width:100%}
.command button{font:inherit;font-size:.76rem;line-height:1.3;color:var(--quiet);background:none;border:1px solid var(--line);border-radius:4px;padding:1px 7px;min-height:24px;cursor:pointer}
.command button:hover{color:var(--text);border-color:var(--quiet)}
th small,td small{display:block;font-weight:400;font-size:.8rem}th small{white-space:nowrap}
.headline .tag{font-size:1.3rem}
.trace{list-style:none;margin:0 0 10px;padding:0;font-size:.86rem}
.trace li{padding:4px 0;border-top:1px solid var(--line)}.trace li:first-child{border-top:0}
.trace time{color:var(--quiet);margin-right:.4em}
nav{font-size:.86rem}nav a::before{content:"← "}
.quiet{color:var(--quiet)}
.small{font-size:.86rem}
.num,time{font-variant-numeric:tabular-nums}
.top{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;justify-content:space-between;margin-bottom:14px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin-bottom:16px}
.columns{display:grid;grid-template-columns:minmax(0,7fr) minmax(0,5fr);gap:0 16px;align-items:start}
.verdict{border-left-width:5px}
.verdict.ok{border-left-color:var(--ok-fill)}.verdict.warn{border-left-color:var(--warn-fill)}.verdict.bad{border-left-color:var(--bad-fill)}.verdict.idle{border-left-color:var(--quiet)}
.headline{display:flex;align-items:center;gap:10px;font-size:1.5rem;line-height:1.2;font-weight:650;margin:0}
.headline svg{width:1em;height:1em;flex:none}
.ok .headline svg{color:var(--ok)}.warn .headline svg{color:var(--warn)}.bad .headline svg{color:var(--bad)}.idle .headline svg{color:var(--quiet)}
.cut{fill:none;stroke:var(--card);stroke-width:2.1}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:10px 18px;margin:14px 0 0}
.facts dt{color:var(--quiet);font-size:.8rem}
.facts dd{margin:0;font-size:1.05rem;font-weight:600;line-height:1.35}
.facts small{display:block;font-weight:400;font-size:.82rem;color:var(--quiet)}
.findings{list-style:none;margin:14px 0 0;padding:12px 0 0;border-top:1px solid var(--line);display:grid;gap:6px}
.findings li{display:flex;gap:4px 10px;flex-wrap:wrap;justify-content:space-between;align-items:baseline}
.findings li>span:first-child{flex:1 1 16rem}
.tag{font-size:.8rem;font-weight:600;white-space:nowrap}
.tag::before{content:"";display:inline-block;width:.6em;height:.6em;margin-right:.4em;border-radius:50%;background:currentColor}
.tag.bad::before{border-radius:1px}.tag.warn::before{border-radius:0;clip-path:polygon(50% 0,100% 100%,0 100%)}
.t-ok{color:var(--ok)}.t-warn{color:var(--warn)}.t-bad{color:var(--bad)}.t-idle{color:var(--quiet)}
.caps{display:grid;gap:12px;margin-bottom:18px}
.caps div{display:grid;grid-template-columns:1fr auto;gap:1px 12px}
.caps strong{font-weight:600}
.caps svg{grid-column:1/-1;width:100%;height:9px;border-radius:5px;display:block;background:var(--track)}
.caps small{grid-column:1/-1;color:var(--quiet);font-size:.82rem}
.settled,.reserved{fill:var(--spent)}.full rect{fill:var(--bad-fill)}.near rect{fill:var(--warn-fill)}.reserved{opacity:.42}
.chart{display:grid;grid-template-columns:auto minmax(0,1fr);gap:4px 8px;margin:0;font-size:.78rem;color:var(--quiet)}
.chart svg{width:100%;height:130px;display:block;border-bottom:1px solid var(--line)}
.chart .scale{display:flex;flex-direction:column;justify-content:space-between;text-align:right;line-height:1}
.chart .dates{grid-column:2;display:flex;justify-content:space-between}
.chart .grid{stroke:var(--line)}
.cap{stroke:var(--bad);stroke-dasharray:5 4;stroke-width:1.5}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;margin:8px 0 0;font-size:.8rem;color:var(--quiet)}
.legend svg{width:14px;height:10px;margin-right:5px}
.strip{list-style:none;display:grid;grid-template-columns:repeat(14,minmax(0,1fr));gap:3px;margin:0 0 12px;padding:0}
.strip li{text-align:center;font-size:.72rem;color:var(--quiet);min-width:0;overflow-wrap:normal;overflow:hidden}
.strip b{display:grid;place-items:center;height:34px;border-radius:4px;background:var(--track);font-weight:700;font-size:.8rem;color:transparent;margin-bottom:3px}
.strip .ok b{background:var(--ok-fill)}
.strip .warn b{background:var(--warn-fill);color:#1b1f24}
.strip .bad b{background:var(--bad-fill);color:#fff}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.88rem}
caption{text-align:left}
th,td{text-align:left;padding:5px 12px 5px 0;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--quiet);font-weight:500;font-size:.8rem;padding-top:0}
th:last-child,td:last-child{padding-right:0}
tbody th{font-weight:500}
.zero{color:var(--quiet)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.nowrap{white-space:nowrap}
.error{margin:1px 0 3px;color:var(--quiet)}
.counts{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0 0 10px}
.counts div{display:flex;gap:6px;align-items:baseline}
.counts dt{color:var(--quiet);order:2}
.counts dd{margin:0;font-weight:600;font-size:1.05rem;font-variant-numeric:tabular-nums}
.list{list-style:none;margin:0;padding:0}
.list>li{border-top:1px solid var(--line);padding:7px 0}
.list>li:first-child{border-top:0;padding-top:0}
.list>li:last-child{padding-bottom:0}
.list+.scroll,.list+p{margin-top:12px}
.row{display:flex;justify-content:space-between;gap:2px 12px;flex-wrap:wrap;align-items:baseline}
.row strong{font-weight:600}
details{margin-top:10px}
summary{cursor:pointer;color:var(--quiet);font-size:.86rem}
details table{margin-top:8px}
.digest{max-width:46rem}
.digest blockquote{margin:0 0 10px;padding-left:12px;border-left:3px solid var(--line);font-size:1.02rem}
.digest ul{margin:0 0 8px;padding-left:20px}
.live:empty{display:none}
.live{display:inline-flex;margin-left:8px;align-items:center;gap:6px}
.live::before{content:"";width:8px;height:8px;border-radius:50%;background:var(--quiet)}
.live.on::before{background:var(--ok-fill)}
.live.off{color:var(--bad);font-weight:600}.live.off::before{background:var(--bad-fill);border-radius:1px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media(max-width:860px){.columns{display:flex;flex-direction:column;align-items:stretch}.columns>div{display:contents}
.columns [data-part=dead]{order:-4}.columns [data-part=incidents]{order:-3}.columns [data-part=digest]{order:-2}.columns [data-part=queue]{order:-1}}
@media(max-width:560px){.verdict{display:flex;flex-direction:column}.verdict .facts{order:1}.verdict .findings{border-top:0;padding-top:0}.wrap{padding:14px 12px 28px}.card{padding:13px 13px;margin-bottom:12px;border-radius:8px}
.facts{grid-template-columns:repeat(2,minmax(0,1fr))}.headline{font-size:1.3rem}.strip{gap:2px}.strip b{height:28px}
.strip li:not(:first-child):not(:last-child) span[aria-hidden]{visibility:hidden}.strip li:first-child,.strip li:last-child{overflow:visible;white-space:nowrap}
.strip li:last-child span[aria-hidden]{float:right}th,td{padding-right:8px}.wide{display:none}}
@media(prefers-reduced-motion:no-preference){.live.on::before{animation:fade 2.4s ease-in-out infinite}@keyframes fade{50%{opacity:.35}}}
@media print{body{background:#fff}.card{break-inside:avoid}.live{display:none}}`;
