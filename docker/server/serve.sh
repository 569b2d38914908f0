#!/bin/sh
# Start Triton as it stands on a network; arguments are further options of tritonserver.
#   TLS_MODE    mutual: callers show a certificate (default); server: only the server does; none: another program
#               in front encrypts
#   TLS_FOLDER  holds tls.crt, tls.key and ca.crt (default /tls)
#   OTEL_EXPORTER_OTLP_TRACES_ENDPOINT  where traces go, such as http://jaeger:4318/v1/traces; one request in
#               TRACE_RATE (default 1000) is traced
set -eu
tls=${TLS_FOLDER:-/tls}

case ${TLS_MODE:-mutual} in
    mutual) set -- --grpc-use-ssl-mutual=true "--grpc-root-cert=$tls/ca.crt" "$@" ;;
    server) set -- --grpc-use-ssl=true "$@" ;;
    none) ;;
    *) echo "TLS_MODE must be mutual, server or none, but is $TLS_MODE." >&2; exit 2 ;;
esac
if [ "${TLS_MODE:-mutual}" != none ]; then
    for file in tls.crt tls.key $([ "${TLS_MODE:-mutual}" = server ] || echo ca.crt); do
        [ -r "$tls/$file" ] || { echo "Cannot read $tls/$file: mount the certificates there." >&2; exit 2; }
    done
    set -- "--grpc-server-cert=$tls/tls.crt" "--grpc-server-key=$tls/tls.key" "$@"
fi

if [ -n "${OTEL_EXPORTER_OTLP_TRACES_ENDPOINT:-}" ]; then
    set -- --trace-config=mode=opentelemetry --trace-config=level=TIMESTAMPS \
        "--trace-config=rate=${TRACE_RATE:-1000}" \
        "--trace-config=opentelemetry,url=$OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" \
        --trace-config=opentelemetry,resource=service.name=fer-triton "$@"
fi

# A key that nobody knows closes an endpoint for good. Of gRPC, inference, health, metadata and the models'
# configurations stay open, which is what fer-client asks for; of HTTP, health alone.
closed=closed=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')

# Pings of clients are let through more often than every five minutes, which is Triton's default. Connections end after
# that time, requests under way finished, so that clients look up the servers again and find new ones.
exec tritonserver \
    --disable-auto-complete-config \
    --strict-readiness=true \
    --exit-timeout-secs=30 \
    --log-format=ISO8601 \
    --grpc-address=0.0.0.0 \
    --grpc-http2-min-recv-ping-interval-without-data=5000 \
    --grpc-max-connection-age=300000 \
    --grpc-max-connection-age-grace=60000 \
    "--grpc-restricted-protocol=shared-memory,model-repository,statistics,trace,logging:$closed" \
    --http-address=0.0.0.0 \
    "--http-restricted-api=inference,metadata,model-config,model-repository,shared-memory,statistics,trace,logging:$closed" \
    --metrics-address=0.0.0.0 \
    --metrics-config=summary_latencies=true \
    --allow-sagemaker=false \
    --allow-vertex-ai=false \
    "$@"
