# An Isthmus gateway in a container. It needs the TUN device and leave to configure the container's own network,
# no more. It is started as root of the container, opens ports and devices, and goes on as user isthmus, number 4500, with
# CAP_NET_ADMIN alone:
#
#   docker build -t isthmus .
#   docker run --device /dev/net/tun --cap-add NET_ADMIN --sysctl net.ipv4.ip_forward=1 \
#     -v "$PWD/site:/etc/isthmus:ro" -v isthmus-state:/var/lib/isthmus -p 500:500/udp -p 4500:4500/udp isthmus
#
# The state volume must outlive the container: sequence numbers are reserved in it, and a number used twice under
# one key breaks the key. The secrets in /etc/isthmus belong to number 4500.
#
# BASE is any Debian or Ubuntu; where it has no Node, Node comes from npm (`--build-arg BASE=debian:bookworm-slim`).

ARG BASE=node:24-bookworm-slim

# What the gateway calls. ipsec-mb makes AES-GCM faster; it is there for amd64 only, and optional.
FROM ${BASE} AS base
RUN apt-get update \
  && apt-get install -y --no-install-recommends iproute2 nftables \
  && (apt-get install -y --no-install-recommends libipsec-mb1 || true) \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt

# A host behind a gateway, for etc/lab: `docker build --target lab-host -t isthmus-lab-host .`
FROM base AS lab-host
RUN apt-get update \
  && apt-get install -y --no-install-recommends iputils-ping iperf3 \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt
CMD ["iperf3", "--server"]

FROM base AS build
ARG NODE_MAJOR=24
ENV PATH=/opt/node/bin:$PATH
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ make python3 \
  && (apt-get install -y --no-install-recommends libipsec-mb-dev || true) \
  && mkdir -p /image/usr/local/bin \
  && if ! command -v node; then \
    apt-get install -y --no-install-recommends npm \
    # The part of npm's package `node` that is for this processor: Node, with the headers that the addon needs.
    && package="node-linux-$(node -p process.arch)" \
    && npm install --prefix /opt --no-audit --no-fund "$package@$NODE_MAJOR" \
    && ln -s "node_modules/$package" /opt/node \
    && strip -o /image/usr/local/bin/node /opt/node/bin/node; \
  fi \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt
WORKDIR /image/opt/isthmus
# The addon is built by the package's install script, from these files only.
COPY package.json package-lock.json .npmrc ./
COPY scripts/build-native.mjs scripts/prebuilt-addon.mjs scripts/build.mjs scripts/
COPY native native
RUN npm ci --no-audit --no-fund --loglevel notice && test -f native/build/Release/isthmus_native.node
COPY tsconfig.json ./
COPY src src
# dist/ has in it what it uses of node_modules.
RUN npm run build \
  && rm -rf node_modules src scripts .npmrc package-lock.json tsconfig.json dist/*.map \
  && find native -type f ! -path native/build/Release/isthmus_native.node -delete \
  && find native -type d -empty -delete \
  && chmod 755 dist/main.js \
  && ln -s /opt/isthmus/dist/main.js /image/usr/local/bin/isthmus
COPY LICENSE ./

FROM base
# A number of its own, so that files outside can be given to it. Its directories are there, so nothing need be given to it; a new
# volume takes the owner of its directory.
RUN groupadd --gid 4500 isthmus \
  && useradd --uid 4500 --gid isthmus --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin isthmus \
  && install --directory --owner isthmus --group isthmus --mode 700 /var/lib/isthmus \
  && install --directory --owner isthmus --group isthmus /run/isthmus
COPY --from=build /image /
ENV NODE_ENV=production
VOLUME /var/lib/isthmus
EXPOSE 500/udp 4500/udp
# Healthy: the gateway answers at its socket. Whether its tunnels are up depends on others. Asked by the socket's owner, who
# is let in without a capability.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
  CMD setpriv --reuid "$(stat -c %u "${ISTHMUS_SOCKET:-/run/isthmus/isthmus.vici}")" isthmus status
ENTRYPOINT ["isthmus"]
CMD ["run", "--user", "isthmus", "-c", "/etc/isthmus/gateway.yaml"]
