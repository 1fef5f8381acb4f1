# The image of a release. GoReleaser puts the binary of each platform into the build context.
FROM debian:stable-slim AS roots
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates
RUN install -d -o 65532 -g 65532 /work

FROM scratch
COPY --from=roots /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=roots --chown=65532:65532 /work /work
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/lamina /usr/bin/lamina
USER 65532:65532
ENV HOME=/work
WORKDIR /work
ENTRYPOINT ["/usr/bin/lamina"]
