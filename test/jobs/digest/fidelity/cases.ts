/** A text as sources have it, summaries of it that are right, and what small models make of such texts. */
export interface Case {
  title: string;
  text: string;
  /** As afk.yaml has it; null where none is asked for. */
  language: string | null;
  honest: string[];
  /** Each by what is wrong with it. */
  faults: [what: string, summary: string][];
}

export const CASES: Case[] = [
  {
    title: "Northern line reopens",
    text: "The northern railway line reopened on Tuesday, 3 November 2026, after fourteen months of work. Trains run every 20 minutes between Hellerup and Skovby, the operator Nordtog said. The project cost 1,240 million kroner, about 8 percent more than planned. Director Anna Lindqvist thanked the 3,500 passengers who used the replacement buses each day.",
    language: null,
    honest: [
      "The northern line is open again after 14 months of work. Trains between Hellerup and Skovby run every 20 minutes.",
      "Nordtog reopened the northern railway on 3 November. It cost 1.24 billion kroner, 8% more than planned.",
      "After more than a year of work, trains are back between Hellerup and Skovby. Some 3500 people took buses every day, said Lindqvist.",
      "On Tuesday, the line reopened. The operator's director, Anna Lindqvist, thanked passengers.",
    ],
    faults: [
      [
        "an invented number",
        "The northern line reopened after 14 months of work. Trains run every 15 minutes between Hellerup and Skovby.",
      ],
      [
        "a wrong name",
        "The northern line reopened, said director Anna Petersen. Trains run every 20 minutes.",
      ],
      ["a wrong month", "The northern line reopened on 3 December. Trains run every 20 minutes."],
      [
        "a wrong place",
        "Trains run every 20 minutes between Hellerup and Copenhagen. The work took fourteen months.",
      ],
      [
        "a preamble",
        "Sure! Here is a summary: The northern line reopened after fourteen months. Trains run every 20 minutes.",
      ],
      ["an echo of the prompt", "You write summaries for a digest. The northern line reopened."],
      ["another scale", "The northern line reopened on Tuesday. The project cost 1,240 billion kroner."],
      ["another unit", "The northern line reopened on Tuesday. Trains run every 20 hours."],
      ["markdown", "**The northern line** reopened on Tuesday. Trains run every 20 minutes."],
      [
        "an invented address",
        "The northern line reopened on Tuesday. Read more at https://nordtog.example.com/news.",
      ],
    ],
  },
  {
    title: "postgres_sketch 2.4.0",
    text: "postgres_sketch 2.4.0 fixes a crash in the planner when more than 64 partitions are joined, and adds support for ARM64. Upgrading from 2.3.x needs no dump. The release drops PostgreSQL 12. Thanks to Priya Raman and 17 contributors. See https://example.org/postgres_sketch/releases for the full list.",
    language: null,
    honest: [
      "Version 2.4.0 fixes a planner crash with more than 64 partitions and adds ARM64 support. PostgreSQL 12 is no longer supported.",
      "The release fixes a crash in the planner and runs on ARM64. Upgrading from 2.3 needs no dump.",
      "postgres_sketch 2.4 repairs joins of more than 64 partitions. Priya Raman and 17 others contributed.",
      "A planner crash is fixed, and ARM64 is supported; support for Postgres 12 ends. The full list is at https://example.org/postgres_sketch/releases.",
    ],
    faults: [
      [
        "an invented version",
        "Version 2.5.0 fixes a planner crash with more than 64 partitions. It adds ARM64 support.",
      ],
      [
        "an invented product",
        "The release fixes a crash and drops PostgreSQL 12. It also adds support for MySQL and Oracle.",
      ],
      [
        "an invented number",
        "The release fixes a crash when more than 128 partitions are joined. It adds ARM64 support.",
      ],
      ["a refusal", "I'm sorry, but I cannot summarize this content. Please provide more information."],
      ["a list", "- Fixes a planner crash\n- Adds ARM64 support\n- Drops PostgreSQL 12"],
      [
        "talk of the text",
        "The provided text describes a software release. It fixes a crash in the planner.",
      ],
      [
        "a link of markdown",
        "The release fixes a planner crash. See [the notes](https://example.org/postgres_sketch/releases).",
      ],
      ["JSON", '{"summary": "The release fixes a planner crash. It adds ARM64 support."}'],
      [
        "a name from nowhere",
        "The release fixes a planner crash. Thanks go to Linus Torvalds and 17 contributors.",
      ],
    ],
  },
  {
    title: "Budget vote moved",
    text: "The city council of Marlow Bay moved its vote on the $4.5 million harbour budget to next spring. Mayor Joan Okafor said the delay gives residents time to comment; opponents from the Green Party call it an excuse. The European Investment Bank may lend half of the sum.",
    language: "English",
    honest: [
      "Marlow Bay's council will vote on the harbour budget of $4.5 million next spring. Mayor Okafor says residents get time to comment.",
      "The vote on the harbour budget has been postponed to spring. The Greens call the delay an excuse.",
      "A decision about 4.5 million dollars for the harbour has to wait until spring. The EIB may lend half of it.",
      "The council delayed its vote. Critics in the Green Party call that an excuse, while Joan Okafor defends it.",
    ],
    faults: [
      [
        "another currency",
        "Marlow Bay's council moved its vote on the €4.5 million harbour budget. Opponents call it an excuse.",
      ],
      [
        "an invented party",
        "The council moved its vote to next spring. The Labour Party calls it an excuse.",
      ],
      [
        "an invented year",
        "The council moved its vote on the harbour budget to spring 2027. Opponents call it an excuse.",
      ],
      [
        "another language",
        "El ayuntamiento aplazó la votación sobre el presupuesto del puerto hasta la primavera. La alcaldesa opina que los vecinos pueden opinar.",
      ],
      [
        "an AI speaks",
        "As an AI language model, I can say that the vote was moved to spring. Residents have time to comment.",
      ],
      ["an offer", "The council moved its vote to next spring. Let me know if you need more details!"],
      ["a label", "Summary: The council moved its vote to next spring. Opponents call it an excuse."],
      ["a loop", "The council moved its vote. The council moved its vote. The council moved its vote."],
    ],
  },
  {
    title: "Längere Öffnungszeiten",
    text: "Die Stadtbibliothek öffnet ab dem 1. März auch sonntags von 10 bis 16 Uhr. Das teilte Leiterin Sabine Krüger am Donnerstag mit. Für den Betrieb werden 12 Stellen geschaffen; die Kosten von 480.000 Euro im Jahr trägt das Land Hessen. Im vergangenen Jahr zählte das Haus 215.000 Besuche.",
    language: "German",
    honest: [
      "Die Bibliothek hat ab März auch am Sonntag geöffnet. Dafür entstehen zwölf neue Stellen, die das Land Hessen bezahlt.",
      "Ab 1. März öffnet die Stadtbibliothek sonntags von 10 bis 16 Uhr. Leiterin Sabine Krüger nennt Kosten von 480 000 Euro jährlich.",
      "Künftig können Leserinnen und Leser auch sonntags Bücher ausleihen. Das Haus zählte zuletzt 215.000 Besuche.",
      "Die neuen Öffnungszeiten gelten ab dem Frühjahr. Krüger zufolge übernimmt Hessen die Ausgaben für das zusätzliche Personal.",
    ],
    faults: [
      [
        "an invented number",
        "Die Bibliothek öffnet ab März auch sonntags. Dafür werden 25 Stellen geschaffen.",
      ],
      [
        "a wrong month",
        "Die Bibliothek öffnet ab dem 1. Mai auch sonntags. Das Land Hessen trägt die Kosten.",
      ],
      [
        "an invented person",
        "Die Bibliothek öffnet ab März auch sonntags. Das sagte Oberbürgermeister Peter Feldmann.",
      ],
      [
        "another language",
        "The library will also open on Sundays from 1 March. Twelve positions will be created for it.",
      ],
      ["a preamble", "Hier ist die Zusammenfassung: Die Bibliothek öffnet ab März auch sonntags."],
      ["a refusal", "Es tut mir leid, aber ich kann diesen Text nicht zusammenfassen."],
      [
        "another currency",
        "Die Bibliothek öffnet ab März auch sonntags. Die Kosten betragen 480.000 Dollar im Jahr.",
      ],
      ["a wrong place", "Die Bibliothek öffnet ab März auch sonntags. Die Kosten trägt die Stadt Berlin."],
      [
        "a wrong weekday",
        "Die Bibliothek öffnet künftig auch samstags und am Montag. Die Leiterin teilte das mit.",
      ],
    ],
  },
  {
    title: "Neues Release",
    text: "Mit Version 5.1 liest das Programm Kalender im Format iCal und läuft auf dem Raspberry Pi. Zwei Fehler beim Speichern wurden behoben. Die Entwickler der TU Graz danken 31 Freiwilligen.",
    language: "German",
    honest: [
      "Version 5.1 kann iCal-Kalender lesen und läuft nun auch auf dem Raspberry Pi. Außerdem wurden zwei Speicherfehler beseitigt.",
      "Das Programm unterstützt jetzt iCal. Die Entwickler aus Graz bedanken sich bei 31 Helfern.",
      "Neu sind die Unterstützung von Kalendern und der Betrieb auf kleinen Rechnern. 2 Fehler sind behoben.",
    ],
    faults: [
      ["an invented version", "Mit Version 6.0 liest das Programm Kalender. Zwei Fehler wurden behoben."],
      [
        "an invented firm",
        "Mit Version 5.1 liest das Programm Kalender von OpenAI. Zwei Fehler wurden behoben.",
      ],
      [
        "an abbreviation from nowhere",
        "Das Programm liest Kalender im Format iCal. Die Entwickler der ETH danken 31 Freiwilligen.",
      ],
      [
        "an echo of the prompt",
        "Answer with two plain sentences and nothing else. Das Programm liest Kalender.",
      ],
    ],
  },
  {
    title: "La bibliothèque change ses horaires",
    text: "La médiathèque de Quimper sera ouverte le dimanche à partir du 6 octobre, de 14 h à 18 h. La maire Isabelle Le Gall a annoncé mardi un budget de 1,2 million d'euros sur trois ans. Près de 9 500 habitants y sont inscrits, et l'État prend en charge 40 % des frais.",
    language: "French",
    honest: [
      "La médiathèque de Quimper ouvrira le dimanche dès le 6 octobre. L'État paie 40 % des frais.",
      "À partir d'octobre, la médiathèque accueille le public le dimanche après-midi. Le budget est de 1 200 000 euros sur 3 ans.",
      "La maire, Isabelle Le Gall, a annoncé de nouveaux horaires. Quelque 9500 inscrits en profiteront.",
      "La médiathèque ouvrira le dimanche. L'annonce a été faite mardi par la maire de Quimper.",
    ],
    faults: [
      ["an invented number", "La médiathèque de Quimper ouvrira le dimanche. L'État paie 60 % des frais."],
      ["a wrong city", "La médiathèque de Rennes ouvrira le dimanche à partir du 6 octobre."],
      ["a wrong month", "La médiathèque de Quimper ouvrira le dimanche à partir du 6 novembre."],
      ["a wrong person", "La médiathèque ouvrira le dimanche, selon la maire Anne Hidalgo."],
      [
        "another language",
        "The library in Quimper will open on Sundays from October. The state pays 40% of the cost.",
      ],
      ["a preamble", "Voici un résumé : la médiathèque de Quimper ouvrira le dimanche dès le 6 octobre."],
      ["a refusal", "Je suis désolé, mais je ne peux pas résumer ce texte."],
    ],
  },
  {
    title: "Vuelve el tren nocturno",
    text: "El tren nocturno entre Vigo y Barcelona volverá a circular el 15 de junio, según informó el miércoles la empresa Ferrosol. El viaje durará 13 horas y costará desde 39 euros. El ministro Tomás Herrera espera 120.000 viajeros en el primer año.",
    language: "Spanish",
    honest: [
      "El tren nocturno Vigo-Barcelona regresa el 15 de junio. El trayecto dura 13 horas y cuesta al menos 39 euros.",
      "Ferrosol recupera en junio el tren nocturno entre Vigo y Barcelona. El ministro Herrera espera 120 000 pasajeros el primer año.",
      "A mediados de junio vuelve a circular el tren. El billete costará desde 39 €.",
      "La empresa anunció el miércoles la vuelta del tren nocturno. El ministro Tomás Herrera confía en la demanda.",
    ],
    faults: [
      ["an invented number", "El tren nocturno vuelve el 15 de junio. El viaje durará 9 horas."],
      ["a wrong city", "El tren nocturno entre Vigo y Madrid vuelve el 15 de junio."],
      ["a wrong month", "El tren nocturno entre Vigo y Barcelona vuelve el 15 de julio."],
      ["a wrong name", "El tren nocturno vuelve en junio. El ministro Pedro Sánchez espera muchos viajeros."],
      [
        "another language",
        "O comboio noturno regressa, e a viagem custa desde 39 euros; quem não tiver bilhete não pode viajar nele.",
      ],
      ["a preamble", "¡Claro! Aquí tienes un resumen: el tren nocturno vuelve el 15 de junio."],
      ["a refusal", "Lo siento, no puedo resumir este contenido."],
    ],
  },
  {
    title: "Riapre il museo",
    text: "Il museo civico di Lucca riapre sabato 12 aprile dopo i lavori durati due anni. L'ingresso costerà 7 euro. La direttrice Elena Bianchi annuncia una mostra con 85 opere, in prestito anche dal Louvre.",
    language: "Italian",
    honest: [
      "Il museo civico di Lucca riapre il 12 aprile dopo due anni di lavori. L'ingresso costa 7 euro.",
      "Riapre sabato il museo di Lucca. In mostra ci sono 85 opere, alcune prestate dal Louvre.",
      "La direttrice Elena Bianchi presenta una mostra di 85 opere. Il biglietto costa 7 €.",
    ],
    faults: [
      ["an invented number", "Il museo civico di Lucca riapre il 12 aprile. L'ingresso costerà 10 euro."],
      ["a wrong museum", "Il museo di Lucca riapre ad aprile con opere in prestito dal Prado."],
      ["a wrong city", "Il museo civico di Siena riapre il 12 aprile dopo i lavori."],
      ["a preamble", "Ecco un riassunto: il museo civico di Lucca riapre il 12 aprile."],
      [
        "another language",
        "The city museum of Lucca reopens on 12 April after two years of work. A ticket costs 7 euros.",
      ],
    ],
  },
  {
    title: "Nova ponte abre em maio",
    text: "A nova ponte sobre o rio Mondego abre ao trânsito em 20 de maio. A obra custou 34 milhões de euros e demorou cinco anos, disse o engenheiro Rui Tavares. Por dia, passarão ali cerca de 18 mil carros.",
    language: "Portuguese",
    honest: [
      "A ponte sobre o Mondego abre em 20 de maio. A obra custou 34 milhões de euros.",
      "Depois de 5 anos de obras, a nova ponte abre em maio. Cerca de 18.000 carros passarão por dia.",
      "Segundo o engenheiro Rui Tavares, a obra demorou cinco anos. A abertura está marcada para maio.",
    ],
    faults: [
      [
        "an invented number",
        "A ponte sobre o Mondego abre em 20 de maio. A obra custou 50 milhões de euros.",
      ],
      ["a wrong river", "A ponte sobre o Douro abre em 20 de maio. A obra custou 34 milhões de euros."],
      ["a wrong month", "A ponte sobre o Mondego abre em 20 de agosto."],
      ["a preamble", "Claro! A ponte sobre o Mondego abre em 20 de maio."],
    ],
  },
  {
    title: "Fietspad verlengd",
    text: "De gemeente Zwolle verlengt het fietspad langs de IJssel met 6 kilometer. De aanleg begint in september en kost 2,8 miljoen euro. Wethouder Femke de Boer verwacht dat dagelijks 4.000 fietsers het pad gebruiken.",
    language: "Dutch",
    honest: [
      "Zwolle verlengt het fietspad langs de IJssel met 6 km. De werkzaamheden beginnen in september.",
      "Het fietspad wordt zes kilometer langer en kost 2,8 miljoen euro. Wethouder De Boer rekent op 4000 fietsers per dag.",
      "De gemeente begint in september met een langer fietspad. Volgens Femke de Boer gaan dagelijks duizenden mensen het gebruiken.",
    ],
    faults: [
      ["an invented number", "Zwolle verlengt het fietspad met 9 kilometer. De aanleg begint in september."],
      ["a wrong city", "De gemeente Utrecht verlengt het fietspad langs de IJssel met 6 kilometer."],
      ["a wrong month", "Zwolle verlengt het fietspad met 6 kilometer. De aanleg begint in oktober."],
      ["a refusal", "Het spijt me, ik kan deze tekst niet samenvatten."],
    ],
  },
  {
    title: "Bavarian brewery wins award",
    text: "A small brewery from Munich won the World Beer Award in London on Friday. Its owner, Markus Huber, brews 900 hectolitres a year and sells them in Germany and Austria only.",
    language: "German",
    honest: [
      "Eine kleine Brauerei aus München hat am Freitag in London den World Beer Award gewonnen. Sie verkauft nur in Deutschland und Österreich.",
      "Markus Huber braut 900 Hektoliter im Jahr. Seine Münchner Brauerei wurde in London ausgezeichnet.",
    ],
    faults: [
      [
        "the source's language",
        "A small brewery from Munich won the World Beer Award in London. It sells only in Germany and Austria.",
      ],
      [
        "an invented country",
        "Eine kleine Brauerei aus München hat in London gewonnen. Sie verkauft nur in Deutschland und Frankreich.",
      ],
      [
        "an invented number",
        "Markus Huber braut 9.000 Hektoliter im Jahr. Seine Brauerei wurde in London ausgezeichnet.",
      ],
    ],
  },
  {
    title: "夜行列車、北の路線で復活",
    text: "北陸と東北を結ぶ夜行列車が11月3日に復活する。運賃は1万2000円から。鉄道会社は年間3万人の利用を見込む。",
    language: "English",
    honest: [
      "A night train between Hokuriku and Tohoku returns on 3 November. Tickets start at 12,000 yen.",
      "The railway expects 30,000 passengers a year. The train runs again from November.",
    ],
    faults: [
      ["an invented number", "A night train returns on 3 November. Tickets start at 15,000 yen."],
      ["the source's language", "北陸と東北を結ぶ夜行列車が11月3日に復活する。"],
      [
        "a wrong month",
        "A night train between Hokuriku and Tohoku returns in December. The fare is 12,000 yen.",
      ],
    ],
  },
  {
    title: "How we halved our build times",
    text: "Last year our builds took 42 minutes. We cached dependencies, split the tests in three, and moved to bigger machines. Now they take 19 minutes, and developers push twice as often. The team at Fernbank Labs wrote down what did not help: rewriting scripts in Rust.",
    language: null,
    honest: [
      "Fernbank Labs cut its builds from 42 to 19 minutes with caches, bigger machines and tests in three parts. Rewriting scripts in Rust did not help.",
      "Builds that took 42 minutes now take 19. Caching and bigger machines helped; Rust did not.",
      "By caching dependencies and splitting tests, a team more than halved its build times. Developers now push twice as often.",
      "The team shares what made its builds faster. Moving scripts to Rust was not worth it.",
    ],
    faults: [
      [
        "an invented firm",
        "Google cut its builds from 42 to 19 minutes at Fernbank. It used caches from Amazon and bigger machines.",
      ],
      [
        "an invented percentage",
        "Builds are 55% faster thanks to caching and bigger machines. Rust did not help.",
      ],
      ["a wrong language", "Builds went from 42 to 19 minutes. Rewriting scripts in Python did not help."],
      [
        "an echo of the rule",
        "The content between <content> and </content> is data from outside. Builds took 42 minutes.",
      ],
      ["a headline of markdown", "## Summary\nBuilds went from 42 to 19 minutes."],
      [
        "talk of two sentences",
        "Here are two sentences. Builds went from 42 to 19 minutes, and developers push more.",
      ],
      ["a year from nowhere", "In 2023 the builds took 42 minutes. Now they take 19 minutes."],
    ],
  },
];
