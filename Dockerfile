# NOT TESTED: no container engine was at hand. What it runs is what is tested: the same targets of the
# Makefile, the same lock files with their hashes, the same entry point.
#   docker build -t citybrain .
FROM node:22-bookworm AS pages
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
WORKDIR /app
COPY . .
RUN make pages

FROM python:3.11-bookworm AS installed
WORKDIR /app
COPY . .
COPY --from=pages /app/src/citybrain/http/pages src/citybrain/http/pages
RUN make venv

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin citybrain \
    && install -d -o citybrain -g citybrain /data
COPY --from=installed /app /app
ENV PATH=/app/.venv/bin:$PATH CITYBRAIN_DATA_DIR=/data CITYBRAIN_HTTP_HOST=0.0.0.0
USER citybrain
WORKDIR /data
VOLUME /data
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["citybrain"]
CMD ["serve"]
