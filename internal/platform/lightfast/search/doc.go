// Package search finds passages of Markdown documents: an inverted index ranked by BM25, with three depths of reading, and
// likeness by vectors of words. It stands in, on the local platform, for what a service does with embeddings.
package search
