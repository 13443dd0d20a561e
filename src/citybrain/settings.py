"""Settings by environment (`CITYBRAIN_…`); the one place where a default is chosen."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ImportString, IPvAnyNetwork, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from citybrain import garbage
from citybrain.city_day import CITY_ZONE, zone_named

PRIVATE = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)


PREFIX: Final = "CITYBRAIN_"


class Settings(BaseSettings):
    """Every setting of the system. `citybrain settings` prints them with their values."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=None, env_ignore_empty=True, extra="ignore", allow_inf_nan=False
    )

    mode: Literal["development", "production"] = Field(
        "production",
        description="development makes keys and an issuer at first run; production refuses them",
    )
    city_zone: str = Field(
        CITY_ZONE.key,
        description="time zone in which the city lives: its days, deadlines and texts; read from "
        "the environment when a process starts",
    )
    data_dir: Path = Field(
        Path("data"), description="folder of the embedded PostgreSQL and development keys"
    )
    database_url: SecretStr | None = Field(
        None, description="a PostgreSQL ≥ 15; the embedded one in data_dir where absent"
    )
    read_database_url: SecretStr | None = Field(
        None, description="a PostgreSQL ≥ 15 of the read models' own; database_url where absent"
    )
    replica_url: SecretStr | None = Field(
        None,
        description="a standby of the database of the read models, which the API reads them from",
    )
    wal_archive: Path | None = Field(
        None,
        description="folder to which the embedded PostgreSQL copies its write-ahead log, as it "
        "starts: with it a backup is restored to any moment",
    )
    pooled_database_url: SecretStr | None = Field(
        None,
        description="the same database through a pooler in transaction mode, for reads; "
        "database_url where absent",
    )
    definitions_dir: Path | None = Field(
        None, description="a city's own definition files; they override those of the package"
    )

    http_host: str = Field("127.0.0.1", description="address to listen on")
    http_port: int = Field(
        8080, ge=0, le=65535, description="port to listen on; 0 picks a free one"
    )
    work_port: int = Field(
        8081,
        ge=0,
        le=65535,
        description="port of `citybrain work` for health and metrics; 0 picks a free one",
    )
    body_limit_bytes: int = Field(1 << 20, ge=1024, description="largest request body taken")
    body_seconds: float = Field(60.0, gt=0, description="longest a request body may take to come")
    bodies_limit_bytes: int = Field(
        256 << 20,
        ge=64 << 20,
        description="request bodies in memory, all together; a caller has a sixteenth, "
        "and a quarter is kept for devices",
    )
    request_timeout_seconds: float = Field(15.0, gt=0, description="longest a request may take")
    rate_limit_per_second: float = Field(200.0, gt=0, description="requests per second and caller")
    rate_limit_burst: int = Field(400, ge=1, description="requests a caller may send at once")
    shutdown_grace_seconds: float = Field(
        20.0, ge=0, description="time accepted requests have to end"
    )
    http_connections_limit: int = Field(
        10_000, ge=10, description="connections that clients may have open, all together"
    )
    http_connections_per_address: int = Field(
        1_000,
        ge=1,
        description="connections of one address, or of one /64 of IPv6; trusted proxies have no "
        "limit of their own",
    )
    http_new_connections_per_second: float = Field(
        100.0,
        gt=0,
        description="connections that one address may open each second, beyond as many as it may "
        "have at once; behind trusted proxies there is no limit",
    )
    http_streams_per_subject: int = Field(
        250,
        ge=1,
        description="streams of events (SSE) that one subject of tokens may follow at once in a "
        "process; without a token a network may as many as it may have connections",
    )
    http_head_seconds: float = Field(
        15.0, gt=0, description="longest the head of a request may take to come"
    )
    http_idle_seconds: float = Field(
        75.0, gt=0, description="how long a connection is kept on which nothing is asked"
    )
    http_unread_seconds: float = Field(
        60.0, gt=0, description="longest a client may read nothing of an answer that waits for it"
    )
    http_trusted_proxies: list[IPvAnyNetwork] = Field(
        default_factory=list,
        description="networks of proxies that say where a request comes from (Forwarded, "
        "X-Forwarded-For), as JSON; nobody else is believed",
    )

    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        description="how the API is called from outside, https://… behind a proxy; where absent as "
        "each client calls it",
    )
    cors_origins: list[str] = Field(
        default_factory=list,
        description="origins whose pages may ask from a browser, as JSON (https://app.example); "
        "* is all",
    )
    metrics_networks: list[IPvAnyNetwork] = Field(
        default_factory=lambda: [ip_network(each) for each in PRIVATE],
        description="networks from which /metrics is shown, as JSON",
    )

    oidc_issuer: str | None = Field(None, description="`iss` of accepted access tokens")
    oidc_jwks_url: str | None = Field(None, description="where the issuer's JWKS is read")
    oidc_audience: str = Field("citybrain", description="`aud` of accepted access tokens")
    oidc_client_id: str | None = Field(
        None,
        description="client_id of our pages, a public client of the issuer; where absent nobody "
        "signs in to them, but in development",
    )
    oidc_scope: str = Field(
        "openid", description="what our pages ask for; some issuers want offline_access besides"
    )
    oidc_origins: list[str] = Field(
        default_factory=list,
        description="origins of the issuer's token endpoint, as JSON, where they are not that of "
        "oidc_issuer: our pages may send requests there",
    )

    append_queue_limit: int = Field(
        8192, ge=1, description="appends that may wait; more answer 503"
    )
    append_batch_limit: int = Field(1024, ge=1, description="appends in one commit, at most")
    event_size_limit_bytes: int = Field(
        256 * 1024, ge=1024, description="largest state of one event"
    )
    pool_size: int = Field(4, ge=1, description="connections for reads and checkpoints")
    writing_pool_size: int = Field(
        2, ge=1, description="connections on which read models are written; the others wait"
    )
    aggregate_cache_size: int = Field(10_000, ge=0, description="aggregates kept in memory")
    garbage_after: int = Field(
        garbage.AFTER,
        ge=100,
        description="containers that are made, and not freed, before the interpreter looks for "
        "garbage",
    )
    snapshot_every: int = Field(100, ge=1, description="a snapshot each so many events of a stream")

    faces_pack: Path | None = Field(
        None,
        description="folder of an insightface model pack (manifest V2); the development "
        "pack, which knows rendered faces only, where absent",
    )
    faces_next_pack: Path | None = Field(
        None,
        description="folder of the pack that will come next: accepted verifications enrol "
        "with it as well, until it can take over",
    )
    faces_attack_detector: ImportString[Any] | None = Field(
        None,
        description="`module:callable` that makes a PresentationAttackDetector; none where absent",
    )
    faces_provider: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="what runs the models; auto takes CUDA where onnxruntime has it"
    )
    faces_false_match_rate: float = Field(
        1e-4, gt=0, lt=1, description="the false-match rate whose calibrated threshold decides 1:1"
    )
    faces_threads: int | None = Field(
        None,
        ge=1,
        description="threads that run the models; one for each core, or one for a GPU, "
        "where absent",
    )
    faces_queue_limit: int = Field(64, ge=1, description="pictures that may wait; more answer 503")
    faces_batch_limit: int = Field(
        8, ge=1, description="pictures the models take together, at most"
    )
    faces_batch_delay_seconds: float | None = Field(
        None,
        ge=0,
        description="wait for a batch to fill; 3 ms on a GPU and nothing on a CPU where absent",
    )
    faces_deadline_seconds: float = Field(5.0, gt=0, description="longest a picture may wait")
    faces_sample_kept_days: int = Field(
        30, ge=0, description="how long the picture of a decision is kept, sealed, to explain it"
    )
    photos_s3_url: str | None = Field(
        None,
        pattern=r"^s3://[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9/_.-]*)?$",
        description="s3://bucket/prefix where photos are kept; the folder `photos` in data_dir "
        "where absent",
    )
    photos_s3_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s]+$",
        description="URL of an S3-compatible service; AWS where absent",
    )
    photos_s3_region: str | None = Field(
        None, description="region of the bucket; AWS_REGION, else us-east-1, where absent"
    )
    photos_s3_access_key_id: str | None = Field(
        None,
        description="who we are to S3; where absent as AWS clients find it: "
        "AWS_ACCESS_KEY_ID, a web identity, the instance",
    )
    photos_s3_secret_access_key: SecretStr | None = Field(
        None, description="the secret of that key; AWS_SECRET_ACCESS_KEY where absent"
    )
    evidence_is_kept: bool | None = Field(
        None,
        description="whether people name photos as evidence that were uploaded here, and no "
        "others; so it is in production where absent",
    )
    photos_limit_bytes: int = Field(10_000_000, gt=0, description="largest photo taken")
    photos_limit_pixels: int = Field(
        50_000_000,
        gt=0,
        description="most pixels of a photo, half as many of a WebP; 8 bytes of memory each",
    )
    photos_threads: int = Field(2, gt=0, description="photos decoded at the same time")
    photos_pending_limit: int = Field(
        32, gt=0, description="uploads under way, at most; more answer 503"
    )
    photos_upload_seconds: float = Field(60.0, gt=0, description="longest an upload may take")
    photos_rate_per_second: float = Field(1.0, gt=0, description="uploads per second and caller")
    photos_rate_burst: int = Field(20, gt=0, description="uploads a caller may send at once")
    exchange_directory: Path | None = Field(
        None,
        description="file of departments and bank with their keys; in development "
        "exchange.json in data_dir where it is there",
    )
    exchange_key_file: Path | None = Field(
        None,
        description="Ed25519 key (PEM) that signs payments; made in data_dir in development "
        "where absent",
    )
    open311_clients: dict[str, str] = Field(
        default_factory=dict,
        description="Open311 clients that may report: SHA-256 of the api_key "
        "in hex, and a name, as JSON; in development the key `development` may, too",
    )
    open311_jurisdiction: str = Field(
        "zhengzhou.gov.cn", min_length=1, description="our jurisdiction_id in Open311"
    )
    open311_contact: str = Field(
        "the operator of this installation",
        min_length=1,
        description="whom discovery names for questions: people, an address, a telephone",
    )
    open311_key_service: str = Field(
        "keys are given by the operator of this installation",
        min_length=1,
        description="how discovery says to get an api_key",
    )
    open311_rate_per_second: float = Field(
        500.0,
        gt=0,
        description="reports and updates per second and api_key of an Open311 client, "
        "which may speak for many people",
    )
    open311_rate_burst: int = Field(
        2000, gt=0, description="reports and updates an Open311 client may send at once"
    )
    application_identity_seconds: float = Field(
        1800.0, gt=0, description="time an applicant has to be identified"
    )
    application_evidence_seconds: float = Field(
        10.0, gt=0, description="time departments have to answer; then an officer decides"
    )
    application_payout_seconds: float = Field(
        30.0, gt=0, description="time the bank has before a payout counts as delayed"
    )
    application_task_seconds: float = Field(
        7200.0, gt=0, description="how long an officer has a task for themselves"
    )
    application_documents: int = Field(
        20, gt=0, description="documents that can be added to one application"
    )
    application_document_bytes: int = Field(
        10_000_000, gt=0, description="largest document taken, a photo or a PDF file"
    )
    application_documents_bytes: int = Field(
        50_000_000, gt=0, description="bytes of all documents of one application"
    )
    application_draft_days: int = Field(
        30, gt=0, description="how long a draft is kept after it was saved last"
    )
    application_drafts: int = Field(20, gt=0, description="drafts that one person may have")
    parking_pseudonym_days: int = Field(
        30,
        gt=0,
        description="how long the pseudonym of a number plate is the same; then its key goes",
    )
    certificate_key_file: Path | None = Field(
        None, description="Ed25519 key (PEM) that signs certificates; that of payments where absent"
    )
    certificate_former_keys_file: Path | None = Field(
        None,
        description="JWKS of keys that signed certificates before; published as well, but for "
        "those that are withdrawn",
    )
    notifier: ImportString[Any] | None = Field(
        None,
        description="`module:callable` that makes a Notifier for one-time codes; in "
        "development a file in data_dir where absent",
    )
    smtp_host: str | None = Field(
        None, description="mail server that takes mail to reporters; none is sent where absent"
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none: in clear, for a relay on this machine"
    )
    smtp_ca_file: Path | None = Field(
        None,
        description="certificates (PEM) that the mail server's is signed with; the system's "
        "where absent",
    )
    smtp_username: str | None = Field(None, description="who we are to the mail server")
    smtp_password: SecretStr | None = Field(None, description="the password of that user")
    mail_from: str | None = Field(
        None,
        pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        description="address that mail is from; needed where there is a mail server",
    )
    vault_key_wrapper: ImportString[Any] | None = Field(
        None,
        description="`module:callable` that makes a KeyWrapper over a key-management "
        "service, in place of the key file",
    )
    vault_other_key_files: list[Path] = Field(
        default_factory=list,
        description="files of master keys that open what they wrapped and wrap nothing, as JSON: "
        "of a rotation, before and after",
    )
    vault_master_key_file: Path | None = Field(
        None,
        description="32-byte key that wraps the keys of people; made in data_dir in "
        "development where absent",
    )

    kafka_bootstrap_servers: str | None = Field(
        None, description="host:port of Kafka brokers, comma-separated; no Kafka where absent"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how to get in at the brokers"
    )
    kafka_ca_file: Path | None = Field(
        None,
        description="certificates (PEM) that the brokers' are signed with; the system's "
        "where absent",
    )
    kafka_certificate_file: Path | None = Field(
        None, description="our own certificate (PEM), where brokers ask for one"
    )
    kafka_key_file: Path | None = Field(None, description="the key (PEM) of that certificate")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="how the password is shown to the brokers"
    )
    kafka_sasl_username: str | None = Field(None, description="who we are to the brokers")
    kafka_sasl_password: SecretStr | None = Field(None, description="the password of that user")
    kafka_topic_prefix: str = Field(
        "citybrain.",
        pattern=r"^[A-Za-z0-9._-]{0,100}$",
        description="what the names of topics and transactional ids begin with; a category follows",
    )
    kafka_source: str = Field(
        "urn:citybrain", description="URI of this installation: `ce_source` of its events"
    )
    kafka_categories: list[str] = Field(
        default_factory=list,
        description="categories of streams that are published, as JSON; all where empty",
    )
    kafka_partitions: int = Field(6, ge=1, description="partitions of a topic that is created")
    kafka_replication: int | None = Field(
        None,
        ge=1,
        description="copies of a topic that is created; 3, or one a broker, where absent",
    )
    kafka_retention_hours: float | None = Field(
        None, gt=0, description="how long topics keep events; for ever where absent"
    )
    kafka_message_limit_bytes: int = Field(
        1 << 20, ge=64 << 10, description="largest batch of a topic that is created"
    )
    kafka_compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "lz4", description="how batches are compressed"
    )
    kafka_idempotence: bool = Field(
        True, description="without it retries could reorder events: publishing is refused"
    )
    kafka_accepted_risks: list[str] = Field(
        default_factory=list,
        description="what a topic may be although events can get lost, as JSON; "
        "`citybrain publish` names them",
    )
    via: Literal["log", "kafka"] = Field(
        "log",
        description="kafka: read models for which the order of each stream is enough have their "
        "events from there as well, as soon as they come",
    )
    intake: bool = Field(False, description="take in what devices send through Kafka")
    intake_topic_prefix: str = Field(
        "devices.",
        pattern=r"^[A-Za-z0-9._-]{0,100}$",
        description="what the names of device topics begin with",
    )
    intake_acts_for: list[str] = Field(
        default_factory=list,
        description="devices that these topics speak for, as JSON; `*` at the end: all that begin "
        "so; nothing is taken in of others",
    )
    intake_letters_hours: float = Field(
        168.0, gt=0, description="how long messages that were refused are kept in their topics"
    )
    intake_site: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="what mirrors call this site in their header `mirrored-from`: a message that "
        "comes back with it is left out",
    )
    intake_loud_per_second: float = Field(
        100.0, gt=0, description="messages in a second by which a device is named as loud"
    )
    intake_limit_per_second: float | None = Field(
        None,
        gt=0,
        description="messages of one device that are taken in a second, the others are letters; "
        "all of them where absent",
    )
    kafka_instance: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="a name of this process among those that read Kafka: where it comes back in "
        "time, it has its partitions again; a process without one leaves when it stops",
    )
    kafka_session_seconds: int = Field(
        10, ge=6, le=300, description="how long a reader may be silent until others have its part"
    )
    health_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="port at which a process that serves no API says how it is; none where absent",
    )

    log_level: str = Field(
        "INFO",
        pattern=r"^(?i:debug|info|warning|error)$",
        description="DEBUG, INFO, WARNING or ERROR",
    )
    log_format: Literal["json", "console"] = Field("json", description="how logs are rendered")

    @field_validator("city_zone")
    @classmethod
    def _zone_of_this_process(cls, name: str) -> str:
        if zone_named(name).key != CITY_ZONE.key:
            raise ValueError(f"this process was started with {CITY_ZONE.key}")
        return name
