"""ClickHouse: engine, HTTP, migrations, Arrow schemas, export."""
