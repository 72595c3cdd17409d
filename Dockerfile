# syntax=docker/dockerfile:1
# docker build -t punctual .

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
# Empty: what git says of the source.
ARG VERSION=
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH VERSION=${VERSION:-$(git describe --tags --always 2>/dev/null || echo dev)} \
    && export CGO_ENABLED GOOS GOARCH \
    && go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /image/punctual ./cmd/punctual
# scratch has neither certificates, for outgoing HTTPS and SMTP, nor directories one may write to.
RUN install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && mkdir -p /writable/data /writable/tmp

FROM scratch
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /writable/ /
USER 65532:65532
ENV PUNCTUAL_DATABASE_URL=sqlite:/data/punctual.db
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["/punctual", "status", "--url", "/readyz"]
ENTRYPOINT ["/punctual"]
CMD ["up"]
