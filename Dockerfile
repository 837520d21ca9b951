# The daemon and the command line, on a database that DATABASE_URL names. docs/deploy.md shows its use.
FROM node:24-bookworm-slim AS base

FROM base AS build
RUN apt-get update && apt-get install --yes --no-install-recommends tini
WORKDIR /packages
COPY package.json package-lock.json ./
# Without the optional packages: the embedded PostgreSQL, and a Node for machines that have an old one. A registry that
# needs a login takes it from `--secret id=npmrc,src=$HOME/.npmrc`, which stays out of the image.
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
WORKDIR /program
COPY package.json ./
COPY bin bin
COPY migrations migrations
COPY examples examples
COPY src src
# A clone made under a strict umask is readable by its owner only.
RUN chmod -R a+rX .

FROM base
COPY --from=build /usr/bin/tini /usr/bin/tini
WORKDIR /app
COPY --from=build /packages/node_modules node_modules
# Without package-lock.json, so that the launcher takes what is installed as it is.
COPY --from=build /program ./
ENV PATH=/app/bin:$PATH MBFLOW_HOST=0.0.0.0 PORT=7377
USER node
EXPOSE 7377
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The first process of a container ignores signals that it does not expect: one that arrives while the program is still
# loading, a second one that means "at once". tini passes them on to a process that does not.
ENTRYPOINT ["tini", "--", "node", "/app/bin/mbflow"]
CMD ["start"]
