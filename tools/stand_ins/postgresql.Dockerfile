# In place of postgres:16 where no registry of images is reached: Debian's PostgreSQL, used as compose.yaml uses that.
FROM debian:bookworm-slim
RUN groupadd --gid 999 postgres \
 && useradd --uid 999 --gid 999 --no-create-home postgres \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
# As in the official image: the folder of sockets is everybody's, that of the data is its user's.
RUN install -d -o postgres -g postgres -m 3777 /var/run/postgresql \
 && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data \
 && ln -sf /usr/lib/postgresql/*/bin/* /usr/local/bin/
COPY postgresql.sh /usr/local/bin/serve-postgresql
VOLUME /var/lib/postgresql/data
USER 999:999
STOPSIGNAL SIGINT
CMD ["serve-postgresql"]
