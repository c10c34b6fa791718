# An Isthmus gateway in a container. It needs the TUN device and leave to configure the container's own network,
# no more:
#
#   docker build -t isthmus .
#   docker run --device /dev/net/tun --cap-add NET_ADMIN --sysctl net.ipv4.ip_forward=1 \
#     -v ./gateway:/etc/isthmus:ro -v isthmus-state:/var/lib/isthmus -p 4500:4500/udp isthmus
#
# The state volume must outlive the container: sequence numbers are reserved in it, and a number used twice under
# one key breaks the key.

FROM node:24-bookworm-slim AS build
# ipsec-mb makes AES-GCM faster; it is there for amd64 only, and optional.
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ make python3 \
  && (apt-get install -y --no-install-recommends libipsec-mb-dev || true) \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/isthmus
# The addon is built by the package's install script, from these files only.
COPY package.json package-lock.json .npmrc ./
COPY scripts/build-native.mjs scripts/build.mjs scripts/
COPY native native
RUN npm ci --no-audit --no-fund --loglevel notice && test -f native/build/Release/isthmus_native.node
COPY src src
RUN npm run build && chmod 755 dist/main.js && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends iproute2 nftables \
  && (apt-get install -y --no-install-recommends libipsec-mb1 || true) \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/isthmus
COPY package.json LICENSE ./
COPY --from=build /opt/isthmus/node_modules node_modules
COPY --from=build /opt/isthmus/native/build/Release/isthmus_native.node native/build/Release/
COPY --from=build /opt/isthmus/dist dist
RUN ln -s /opt/isthmus/dist/main.js /usr/local/bin/isthmus && mkdir -p /etc/isthmus
ENV NODE_ENV=production
VOLUME /var/lib/isthmus
EXPOSE 4500/udp
ENTRYPOINT ["isthmus"]
CMD ["run", "-c", "/etc/isthmus/gateway.yaml"]
