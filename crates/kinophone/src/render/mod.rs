//! Film and brain to soundtrack, streaming.
