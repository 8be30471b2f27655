# docker build -t monoport . && docker run --rm -it -p 8080:8080/tcp -p 8080:8080/udp monoport
FROM node:24-bookworm-slim AS build
WORKDIR /monoport
COPY package.json package-lock.json ./
# Scripts of packages only fetch runtimes and browsers for the tests.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json mod.ts ./
COPY core core
COPY runtime runtime
COPY server server
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /monoport
COPY --from=build /monoport/package.json ./
COPY --from=build /monoport/node_modules node_modules
COPY --from=build /monoport/dist dist
COPY LICENSE ./
# Of the codecs that are built in.
COPY codecs/licences licences
# 1000: no root, whatever the port; Docker lets everybody listen on 443 inside.
USER node
EXPOSE 8080/tcp 8080/udp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "const [first = ''] = (process.env.MONOPORT_LISTEN || '8080').split(/[ ,]+/); fetch(`http://127.0.0.1:${first.split(':').pop()}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/mod.js"]
