// Package search finds passages of Markdown documents: by an inverted index ranked by BM25, with three modes, and by the
// similarity of word vectors. It replaces the embeddings of Lightfast on the local platform.
package search
