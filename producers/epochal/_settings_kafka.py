"""The rows of the table of settings that are about the way to Kafka."""

from __future__ import annotations

from typing import Final

from ._settings_parsers import Secret, choice, prefix, seconds, servers, size
from ._settings_variable import Variable

__all__ = ["KAFKA_VARIABLES"]

KAFKA_VARIABLES: Final = (
    Variable(
        "EPOCHAL_KAFKA",
        "bootstrap servers of the Kafka that journals are shipped to",
        "none: embedded",
        "host:port, several with commas",
        "kafka",
        servers,
    ),
    Variable(
        "EPOCHAL_KAFKA_TOPIC_PREFIX",
        "what the names of the topics begin with: <prefix>events, <prefix>metrics, <prefix>dead-letters",
        "epochal.",
        "letters, digits, `.`, `_`, `-`",
        "kafka_topic_prefix",
        prefix,
    ),
    Variable(
        "EPOCHAL_KAFKA_SECURITY_PROTOCOL",
        "how to talk to the brokers",
        "PLAINTEXT",
        "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
        "kafka_security_protocol",
        choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    ),
    Variable(
        "EPOCHAL_KAFKA_SASL_MECHANISM",
        "how to say who we are",
        "none",
        "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
        "kafka_sasl_mechanism",
        choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"),
    ),
    Variable("EPOCHAL_KAFKA_SASL_USER", "for PLAIN and SCRAM", "none", "any text", "kafka_sasl_user", str),
    Variable(
        "EPOCHAL_KAFKA_SASL_PASSWORD",
        "for PLAIN and SCRAM; a secret",
        "none",
        "any text",
        "kafka_sasl_password",
        Secret,
        secret=True,
    ),
    Variable(
        "EPOCHAL_KAFKA_SASL_TOKEN",
        "for OAUTHBEARER; a secret. A file is read again for every connection, so that tokens may be renewed",
        "none",
        "a token, or @ and the path of a file that holds it",
        "kafka_sasl_token",
        Secret,
        secret=True,
    ),
    Variable("EPOCHAL_KAFKA_CA", "certificates of who is trusted", "the system's", "a PEM file", "kafka_ca", str),
    Variable("EPOCHAL_KAFKA_CERT", "our own certificate (mutual TLS)", "none", "a PEM file", "kafka_cert", str),
    Variable("EPOCHAL_KAFKA_KEY", "its private key", "inside EPOCHAL_KAFKA_CERT", "a PEM file", "kafka_key", str),
    Variable(
        "EPOCHAL_KAFKA_WAIT",
        "seconds that flush(), finish() and the end of a process wait at most until Kafka has acknowledged everything; "
        "what it has not stays in the spool, for whatever ships it next",
        "30",
        "0 < s ≤ 86400",
        "kafka_wait_s",
        seconds,
    ),
    Variable(
        "EPOCHAL_SHIPPER",
        "what ships the spool to Kafka: a process of its own, one for all jobs of a spool, started on demand; a thread "
        "of a job; or none of them: then `epochal ship` does",
        "process",
        "process, thread, none",
        "shipper",
        choice("process", "thread", "none"),
    ),
    Variable(
        "EPOCHAL_SPOOL_LIMIT",
        "with Kafka: the disk that all journals of the spool may take together; at the limit new points are not kept "
        "but counted as lost, with one warning, and nothing is deleted to make room",
        "50 GB",
        "at least 1 MB: a number with KB, MB, GB or TB",
        "spool_limit_bytes",
        size,
    ),
)
