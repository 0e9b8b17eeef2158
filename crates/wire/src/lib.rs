//! Nouns to bytes and back: the batch format, the v1 JSON shapes, error codes, token claims
