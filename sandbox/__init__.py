"""One untrusted Node.js process from spawn to outcome; knows no database, no HTTP, no cron."""
