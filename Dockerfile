# syntax=docker/dockerfile:1
# docker build --build-arg VERSION="$(git describe --tags --always)" -t punctual .

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /image/punctual ./cmd/punctual
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
