# The image of afk: Node, the bundle, better-sqlite3 for one platform, and the systemd units for the host.
#
#   docker build -t afk .
#   docker buildx build --platform linux/amd64,linux/arm64 -t afk .
#
# It needs BuildKit (engine 20.10 or newer). For another platform the packages and the bundle are made on the building
# machine; only the last steps run on the target, which takes binfmt and qemu-user where the machine is another.
#
# What the building machine needs to reach its package registry is given as secrets, which leave nothing in the image:
#   --secret id=npmrc,src=$HOME/.npmrc       another registry, a token
#   --secret id=ca,src=FILE                  certificates in PEM form to trust besides Node's own
# Packages are kept in a cache of the engine. A later build finds them there and works without the network
# (`--network none`), whatever has changed of the sources; only `--no-cache` begins with an empty one.

ARG BASE=node:24-trixie-slim
# The same for the machine that builds, where that is another platform and the name is not one for all.
ARG BUILD_BASE=${BASE}

# Where everything is made that does not depend on the platform.
FROM --platform=$BUILDPLATFORM ${BUILD_BASE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm,sharing=locked \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    set -eu; \
    if [ -s /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
    npm ci --ignore-scripts --prefer-offline --no-audit --no-fund
COPY LICENSE ./
COPY scripts ./scripts
COPY src ./src
RUN node scripts/build.ts --output /out/app

# better-sqlite3: its JavaScript, and of its eight compiled forms the one for this platform and C library.
ARG TARGETARCH
RUN set -eu; \
    case "$TARGETARCH" in \
      amd64) prebuild=linux-x64 ;; \
      arm64) prebuild=linux-arm64 ;; \
      *) echo "There is no image for the platform \"$TARGETARCH\", only for amd64 and arm64." >&2; exit 1 ;; \
    esac; \
    from=node_modules/better-sqlite3; to=/out/app/node_modules/better-sqlite3; \
    mkdir -p "$to/prebuilds"; \
    cp -r "$from/lib" "$from/package.json" "$from/LICENSE" "$to/"; \
    cp "$from/prebuilds/$prebuild.node" "$to/prebuilds/"; \
    cp LICENSE /out/app/; \
    mkdir -p /out/bin; \
    printf '#!/bin/sh\nexec node --disable-sigusr1 /app/main.js "$@"\n' > /out/bin/afk; \
    chmod 755 /out/bin/afk
COPY systemd /out/app/systemd
# Whatever the umask was under which the sources were checked out.
RUN chmod -R a+rX /out

# Compiled code is written once, and then belongs to root: code that a worker could write, and that the next worker would
# run, must not exist. It is Node's compile cache, made by the user that runs later, since Node keeps the cache of each user
# apart. It fits one set of a processor's features: where those are not the ones of the machine that built the image, it is
# not used, and a start takes as long as without.
FROM ${BASE} AS warm
COPY --from=build /out/app /app
RUN install -d -o 1000 -g 1000 /app/cache /tmp/warm /tmp/warm/notes
USER 1000:1000
WORKDIR /tmp/warm
ENV NODE_COMPILE_CACHE=/app/cache AFK_CONFIG=/tmp/warm/afk.yaml AFK_STATE=/tmp/warm/state
# What runs here is compiled beforehand: a tick that finds no model at a closed port, and what is run most besides. Not
# more, since each takes seconds where the platform is emulated.
RUN set -eu; \
    echo "One note, to have work." > notes/note.txt; \
    echo '<rss version="2.0"><channel><item><title>One item</title></item></channel></rss>' > feed.xml; \
    printf '%s\n' 'agent: warm' 'budget: { daily_cap_usd: 1 }' \
      'models: { chain: [ollama/none, extractive], providers: { ollama: { base_url: "http://127.0.0.1:9" } } }' \
      'jobs: [{ name: digest, kind: digest, every: 1h, sources: [{ folder: notes }, { feed: feed.xml }] }]' > afk.yaml; \
    afk() { node /app/main.js "$@" > /dev/null; }; \
    for command in tick status health stop resume; do afk "$command"; done; \
    afk watchdog || true; \
    chmod -R a+rX /app/cache

FROM ${BASE}
# Nothing in here installs packages, and what is not there cannot be used by who gets in.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* /usr/local/include/node \
      /usr/local/bin/docker-entrypoint.sh /var/lib/apt/lists/* \
    && install -d -o 1000 -g 1000 -m 700 /data \
    && install -d /etc/afk
COPY --from=warm --chown=0:0 /app /app
COPY --from=build /out/bin/afk /usr/local/bin/afk

# MALLOC_TRIM_THRESHOLD_ is glibc's own default, said aloud: left alone, it grows with the largest piece that was ever
# given back, and what V8 takes to compile then stays with the process (18 MB of a loop that idles).
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/cache \
    MALLOC_TRIM_THRESHOLD_=131072 \
    AFK_CONFIG=/etc/afk/afk.yaml \
    AFK_STATE=/data
# /data is no VOLUME: without one of its own a container would keep its state in a nameless one, which is lost or left over.
WORKDIR /data
USER 1000:1000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 CMD ["afk", "health"]
ENTRYPOINT ["afk"]
# Who runs the image as it is has no afk.yaml in it yet, and every other command would only complain of that.
CMD ["--help"]

ARG VERSION=0.1.0
ARG SOURCE=""
LABEL org.opencontainers.image.title="afk" \
      org.opencontainers.image.description="Runs an AI agent while nobody watches: a hard spend cap, a circuit breaker, kill switches, and a queue that loses nothing." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}"
