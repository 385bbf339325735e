"""The way of journals to Kafka. Nothing here is imported unless Kafka is used; it comes with ``epochal[kafka]``."""
