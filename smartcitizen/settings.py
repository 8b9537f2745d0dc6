"""All settings, read from the environment: the only file that reads it, and loud on a bad value.

Every variable is listed in README's table, which a test compares with this file.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
import redis
import sentry_sdk
from corsheaders.defaults import default_headers, default_methods
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy
from sentry_sdk.utils import Dsn

from apps.api import reporting

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
T = TypeVar("T")
RATE_HINT = "a rate such as 150/min, or empty for no limit"


def read(
    name: str,
    reader: Callable[..., T],
    hint: str,
    valid: Callable[[T], object] = lambda value: True,
    **options: Any,
) -> T:
    """Read one variable with `reader`; stop the start with one line that names it where that fails.

    `hint` says what would be right, `valid` whether what was read is; a default is in `options`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of an address it cannot read, the reader only warns
            value = reader(name, **options)
        if valid(value):
            return value
    except (ImproperlyConfigured, ValueError, TypeError, LookupError, AttributeError, UserWarning):
        pass
    state = "cannot be read" if text(name, default="") else "is missing"
    raise SystemExit(f"Configuration error: {name} {state}: {hint}.")


def text(name: str, default: str = "") -> str:
    """Read a text as it is: the reader of the library takes one that begins with `$` for a name."""
    return os.environ.get(name, default)


def names(name: str, default: list[str]) -> list[str]:
    """Read names that are separated by commas, and perhaps spaces."""
    written = text(name)
    return [word.strip() for word in written.split(",") if word.strip()] if written else default


def is_web_address(url: str) -> bool:
    """Whether a text is an http(s) address with a host."""
    return urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).hostname)


def is_origin(url: str) -> bool:
    """Whether a text is an http(s) address of a host, and perhaps a port, without a path."""
    parts = urlsplit(url.rstrip("/"))
    rest = parts.path or parts.query or parts.fragment or parts.username
    return is_web_address(url) and not rest and (parts.port is None or parts.port > 0)


def is_redis(url: str) -> bool:
    """Whether the client of Redis can read an address; it says by ValueError that it cannot."""
    return bool(redis.ConnectionPool.from_url(url))


def is_sentry_dsn(url: str) -> bool:
    """Whether a text is empty or what Sentry gives a project; its reader raises ValueError."""
    return not url or bool(Dsn(url))


def is_broker(url: str) -> bool:
    """Whether a text is empty or the address of an MQTT broker."""
    parts = urlsplit(url)
    named = parts.scheme in {"mqtt", "mqtts"} and bool(parts.hostname) and parts.port != 0
    return not url or (named and not parts.path.strip("/"))


def is_rate(rate: str) -> bool:
    """Whether a text is a request rate such as `150/min`, or empty for no limit."""
    return not rate or bool(re.fullmatch(r"[1-9]\d{0,8}/(s|sec|min|m|h|hour|d|day)", rate))


# What this server is and where it is reached
BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}
DEBUG = BOOLEANS[
    read(
        "DEBUG",
        text,
        "true or false",
        valid=lambda word: word.lower() in BOOLEANS,
        default="false",
    ).lower()
]
SECRET_KEY = read(
    "SECRET_KEY",
    text,
    "50 or more random characters that stay the same between starts",
    valid=lambda key: key or DEBUG,
    default="",
)
SECRET_KEY = SECRET_KEY or "insecure-for-development-only"
# What is kept encrypted or blurred stays readable only under the same key: give it one of its own,
# so that SECRET_KEY can be changed.
ENCRYPTION_KEY = read("ENCRYPTION_KEY", text, "any text", default="") or SECRET_KEY
HOST = read("HOST", text, "a name or address of this machine", valid=bool, default="127.0.0.1")
PORT = read("PORT", env.int, "a port number", valid=lambda port: 0 < port < 65536, default=8000)
WEB_WORKERS = read(
    "WEB_WORKERS", env.int, "how many processes", valid=lambda count: count > 0, default=2
)
# Whoever listens on every address, or on loopback alone, is reached here by this name.
REACHED_AT = "localhost" if HOST in {"127.0.0.1", "::1", "0.0.0.0", "::"} else HOST
PUBLIC_URL = read(
    "PUBLIC_URL",
    text,
    "an address such as https://api.example.org, without a path",
    valid=is_origin,
    default=f"http://{f'[{REACHED_AT}]' if ':' in REACHED_AT else REACHED_AT}:{PORT}",
)
PUBLIC_URL = PUBLIC_URL.lower().rstrip("/")
# Old kits name these hosts whatever server they reach (contract: In by old kits).
KIT_HOSTS = ["data.smartcitizen.me", "api.smartcitizen.me", "new-api.smartcitizen.me"]
ALLOWED_HOSTS = [
    *read(
        "ALLOWED_HOSTS",
        names,
        "host names separated by commas",
        default=[str(urlsplit(PUBLIC_URL).hostname), "localhost", "127.0.0.1", "[::1]"],
    ),
    *KIT_HOSTS,
]
KIT_PORT = read(
    "KIT_PORT", env.int, "a port number", valid=lambda port: 0 <= port < 65536, default=8001
)
TRUSTED_PROXIES = read(
    "TRUSTED_PROXIES",
    env.int,
    "how many proxies stand before the web server",
    valid=lambda count: count >= 0,
    default=0,
)
LOG_LEVEL = read(
    "LOG_LEVEL",
    text,
    "DEBUG, INFO, WARNING, ERROR or CRITICAL",
    valid=lambda level: level in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"},
    default="INFO",
)
LOG_FORMAT = read(
    "LOG_FORMAT",
    text,
    "line or json",
    valid=lambda form: form in {"line", "json"},
    default="line",
)
# The name of the variable is the library's, which reads it too.
METRICS_DIR = read(
    "PROMETHEUS_MULTIPROC_DIR",
    text,
    "a folder where processes keep their figures",
    valid=lambda folder: not folder or Path(folder).is_dir(),
    default="",
)
VERSION = "0.1.0"  # as pyproject.toml has it, which the image has not
VERSION_BRANCH = read("VERSION_BRANCH", text, "the branch that runs", default="unknown")
VERSION_GIT = read("VERSION_GIT", text, "the commit that runs", default="unknown")

# Parts outside this process
DATABASES = {
    "default": read(
        "DATABASE_URL",
        env.db_url,
        "an address such as postgres://user:password@host/name, or start with"
        " `python -m smartcitizen.embedded -- …`",
        valid=lambda database: database["ENGINE"] == "django.db.backends.postgresql",
    )
}
DATABASES["default"].update(ENGINE="apps.api.postgresql", CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
# Whoever waits longer for a lock is told to come again (503), so that one stuck row does not fill
# every thread.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c lock_timeout=5s")
# A server that is stopped, or a network that swallows what is sent, says nothing: nobody waits
# longer than these seconds for a new connection (`connect_timeout`, which DATABASE_URL may set),
# nor for what was sent to arrive (milliseconds).
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 4)
DATABASES["default"]["OPTIONS"].setdefault("tcp_user_timeout", 15_000)
REDIS_URL = read(
    "REDIS_URL",
    text,
    "an address such as redis://host:6379/0",
    valid=is_redis,
)
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            # Redis is a convenience: when it is slow or gone, everything answers without it.
            "IGNORE_EXCEPTIONS": True,
            "REDIS_CLIENT_CLASS": "apps.api.redis_breaker.GuardedRedis",
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
        },
    }
}
globals().update(
    read("EMAIL_URL", env.email_url, "smtp+tls://user:password@host:587", default="consolemail://")
)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = read(
    "DEFAULT_FROM_EMAIL",
    text,
    "an e-mail address",
    valid=lambda address: "@" in address and address.isprintable(),
    default="Smart Citizen <noreply@localhost>",
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
PASSWORD_RESET_URL = read(
    "PASSWORD_RESET_URL",
    text,
    "an address with {token} in it",
    valid=lambda url: is_web_address(url) and "{token}" in url,
    default=f"{PUBLIC_URL}/ui/password_reset/{{token}}",
)
MQTT_URL = read(
    "MQTT_URL",
    text,
    "an address such as mqtt://user:password@host:1883",
    valid=is_broker,
    default="",
)
# Subscribers of one group get each message once between them; without a group each gets all.
MQTT_GROUP = read(
    "MQTT_GROUP",
    text,
    "a word without spaces, / + or #",
    valid=lambda group: not re.search(r"[\s/+#]", group),
    default="smartcitizen",
)
SENTRY_DSN = read(
    "SENTRY_DSN",
    text,
    "the address that Sentry gives a project",
    valid=is_sentry_dsn,
    default="",
)
if SENTRY_DSN:
    sentry_sdk.init(
        dsn=SENTRY_DSN,
        release=VERSION_GIT,
        send_default_pii=False,
        include_local_variables=False,  # passwords and tokens are among them
        max_request_body_size="never",
        before_send=reporting.without_tokens,
    )

# What tells how high devices stand (docs/operating.md); without it nothing does
ELEVATION_TILES = read(
    "ELEVATION_TILES",
    text,
    "a folder of SRTM tiles such as N41E002.hgt",
    valid=lambda folder: not folder or Path(folder).is_dir(),
    default="",
)

# Where archives of readings wait for those who asked for them (docs/operating.md)
ARCHIVE_DIR = read(
    "ARCHIVE_DIR",
    text,
    "a folder that the web server and the worker share",
    valid=lambda folder: Path(folder).is_absolute(),
    default=str(BASE_DIR / "var" / "archives"),
)

# The old platform, for what was brought along from it
LEGACY_PASSWORD_SALT = read("LEGACY_PASSWORD_SALT", text, "any text", default="")

# Where the map's tiles come from; without it coast and countries are drawn from data of our own
MAP_TILE_URL = read(
    "MAP_TILE_URL",
    text,
    "an address with {z}, {x} and {y} in it",
    valid=lambda url: (
        not url
        or (is_web_address(url) and {"{z}", "{x}", "{y}"} <= set(re.findall(r"\{\w\}", url)))
    ),
    default="",
)
MAP_TILE_ATTRIBUTION = read("MAP_TILE_ATTRIBUTION", text, "whose tiles they are", default="")

# Whether `make run` fills an empty embedded database with demo data
DEMO = BOOLEANS[
    read("DEMO", text, "1 or 0", valid=lambda word: word.lower() in BOOLEANS, default="1").lower()
]

# How long things are kept
INGEST_ERROR_DAYS = read(
    "INGEST_ERROR_DAYS",
    env.int,
    "a whole number of days",
    valid=lambda days: days > 0,
    default=30,
)
MAIL_DAYS = read(
    "MAIL_DAYS",
    env.int,
    "a whole number of days",
    valid=lambda days: days > 0,
    default=30,
)
ACCOUNT_GRACE_DAYS = read(
    "ACCOUNT_GRACE_DAYS",
    env.int,
    "a whole number of days",
    valid=lambda days: days > 0,
    default=30,
)

INSTALLED_APPS = [
    "apps.users",
    "apps.sensors",
    "apps.kits",
    "apps.devices",
    "apps.readings",
    "apps.search",
    "apps.pages",
    "apps.operations",
    "apps.api",
    "apps.mail",
    "rest_framework",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "corsheaders",
    "django_filters",
    "django_q",
    "axes",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "apps.api.observation.Observed",  # first: sees what all the others answer
    "corsheaders.middleware.CorsMiddleware",  # early: errors of the others carry its headers too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.api.pages.Policies",
    "django.middleware.gzip.GZipMiddleware",
    "apps.api.conditional.ConditionalGet",  # inside compression: tags what is compressed
    "apps.api.middleware.ReadableRequest",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "smartcitizen.urls"
WSGI_APPLICATION = "smartcitizen.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "smartcitizen" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
# Pages alone are in the reader's language (apps/api/pages.py); the API speaks English.
LANGUAGES = [("en", "English"), ("es", "Español"), ("ca", "Català")]
LOCALE_PATHS = [BASE_DIR / "smartcitizen" / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
FORMAT_MODULE_PATH = ["smartcitizen.formats"]
APPEND_SLASH = False
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# Who is who
AUTH_USER_MODEL = "users.User"
LOGIN_URL = "/ui/sign_in"
LOGIN_REDIRECT_URL = "/ui/me"
AUTHENTICATION_BACKENDS = ["apps.users.backends.AccountBackend"]
# Usernames are unique ignoring case, by a constraint over lower(username) that the check overlooks.
SILENCED_SYSTEM_CHECKS = ["auth.E003", "auth.W004"]
# Clients of ten years need them (contract: OAuth 2.0; Credentials): the implicit grant, a token in
# the query, and redirects to http, which are for loopback alone.
SILENCED_SYSTEM_CHECKS += [f"oauth2_provider.{check}" for check in ("W001", "W004", "W008")]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    # The old platform's, replaced at the first sign-in
    "apps.users.hashers.OldBcrypt",
    "apps.users.hashers.OldSha1",
    # Not for passwords: the secrets of OAuth applications
    "apps.users.oauth.secrets.ClientSecretHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    }
]
# Wrong passwords (apps/users/guesses.py): how many in a quarter of an hour
WRONG_PASSWORDS_PER_ACCOUNT = read(
    "WRONG_PASSWORDS_PER_ACCOUNT",
    env.int,
    "a whole number",
    valid=lambda count: count > 0,
    default=10,
)
WRONG_PASSWORDS_PER_ADDRESS = read(
    "WRONG_PASSWORDS_PER_ADDRESS",
    env.int,
    "a whole number",
    valid=lambda count: count > 0,
    default=50,
)
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_HANDLER = "apps.users.guesses.Handler"
AXES_LOCK_OUT_AT_FAILURE = False  # the package counts; we refuse, with two limits
AXES_ENABLE_ADMIN = False  # a page of ours shows the counts
AXES_VERBOSE = False
# Neither its middleware nor its backend is used.
SILENCED_SYSTEM_CHECKS += ["axes.W002", "axes.W003"]
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"  # our migrations name it
OAUTH2_PROVIDER = {
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,  # tokens are stored as checksums alone
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "OIDC_ISS_ENDPOINT": PUBLIC_URL,  # the issuer of RFC 8414 and 9207; OpenID Connect is off
    "OAUTH2_VALIDATOR_CLASS": "apps.users.oauth.validator.Validator",
    "OAUTH2_GRANT_TYPES_SUPPORTED": [
        "authorization_code",
        "implicit",
        "client_credentials",
        "refresh_token",
    ],
    "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED": [
        "client_secret_basic",
        "client_secret_post",
        "none",
    ],
    "CLIENT_SECRET_HASHER": "client_secret",
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 365 * 24 * 3600,  # without being used
    "SCOPES": {
        "public": gettext_lazy("Read your profile, your e-mail address and your devices"),
        "write": gettext_lazy("Change or delete your devices and your account"),
        "readings": gettext_lazy("Send readings to your devices"),
    },
    "SCOPES_BACKEND_CLASS": "apps.users.oauth.allowed_scopes.ApplicationScopesBackend",
    "APPLICATION_ADMIN_CLASS": "apps.users.oauth_admin.ApplicationAdmin",
    "ACCESS_TOKEN_ADMIN_CLASS": "apps.users.oauth_admin.AccessTokenAdmin",
    "REFRESH_TOKEN_ADMIN_CLASS": "apps.users.oauth_admin.RefreshTokenAdmin",
    "GRANT_ADMIN_CLASS": "apps.users.oauth_admin.GrantAdmin",
    "ID_TOKEN_ADMIN_CLASS": "apps.users.oauth_admin.IDTokenAdmin",
}

# How the API speaks
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": [
        "apps.api.renderers.JSONRenderer",
        "apps.api.renderers.JSONPRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "apps.api.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "apps.api.parsers.MultiPartParser",
    ],
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.users.authentication.CredentialAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.api.throttling.RequestThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "anon": read("THROTTLE_ANON", text, RATE_HINT, valid=is_rate, default="150/min"),
        "user": read("THROTTLE_USER", text, RATE_HINT, valid=is_rate, default="300/min"),
    },
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.api.negotiation.ContentNegotiation",
    "DEFAULT_PAGINATION_CLASS": "apps.api.pagination.PageNumberPagination",
    "DEFAULT_VERSIONING_CLASS": "apps.api.versioning.AcceptVersioning",
    "DEFAULT_SCHEMA_CLASS": "apps.api.openapi.operations.Operation",
    "DEFAULT_METADATA_CLASS": "apps.api.metadata.AllowedMethods",
    "EXCEPTION_HANDLER": "apps.api.errors.exception_handler",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%SZ",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "POSTPROCESSING_HOOKS": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
# Not pages, nor what only servers ask: a browser app needs `/oauth/token` and `/oauth/revoke`.
CORS_URLS_REGEX = r"^/(?!(admin|ui|oauth/(authorize|applications|introspect))(/|$))"
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_CREDENTIALS = False
CORS_EXPOSE_HEADERS = ["Link", "Total", "Per-Page", "Retry-After", "ETag", "X-Request-Id"]
CORS_ALLOW_METHODS = [*default_methods, "HEAD"]
CORS_ALLOW_HEADERS = [
    *default_headers,
    "cache-control",
    "content-encoding",
    "if-none-match",
    "onboardingsession",
]
CSRF_FAILURE_VIEW = "apps.pages.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # contract: up to 10 MB a request

# Work that may be slow or fail, done by `manage.py qcluster`
Q_CLUSTER = {
    "name": "smartcitizen",
    "orm": "default",
    "workers": 2,
    "timeout": 300,
    "retry": 360,  # a task of a killed worker is taken back after this many seconds
    "max_attempts": 50,
    "ack_failures": False,
    "catch_up": False,
    "poll": 1,
    "save_limit": 1000,
    "label": "Task queue",
}

# https, wherever the public address is https
HTTPS = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = HTTPS
# Probes of the machines that run the server come from inside, by plain http.
SECURE_REDIRECT_EXEMPT = [r"^(v0/)?(add|datetime)/?$", r"^(health/(live|ready)|metrics)/?$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_ENGINE = "apps.users.browser_sessions"  # which knows whose a session is
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "apps.api.observation.RequestId"},
        "no_tokens": {"()": "apps.api.reporting.NoTokens"},
    },
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message} [{request_id}]", "style": "{"},
        "json": {
            "()": "pythonjsonlogger.orjson.OrjsonFormatter",
            "fmt": "{asctime} {levelname} {name} {message} {request_id}",
            "style": "{",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id", "no_tokens"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": LOG_LEVEL, "handlers": [], "propagate": True},
        # It tells of every task at INFO, and there is one a minute.
        "django-q": {"level": "WARNING" if LOG_LEVEL == "INFO" else LOG_LEVEL},
        # It tells of every wrong password in many lines; the admin site shows them.
        "axes": {"level": "ERROR"},
    },
}
