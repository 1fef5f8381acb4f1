// Package inbox keeps webhook deliveries on disk, so that a delivery that was accepted is never lost.
//
// An inbox is a folder of segments: files to which deliveries are appended as lines of JSON. The name of a segment is the number of its
// first delivery, and each line counts as one, so that numbers never repeat. A delivery is stored when its segment is flushed to the disk.
// One flush stores all deliveries that arrived during the flush before. When the inbox has reached its size, its oldest segment is removed.
//
// The id of a delivery is that of its run, and is stored once: a second delivery with the same id is a duplicate. One process at a time
// may add to an inbox. Others may read it meanwhile; they skip a line that is not complete.
package inbox
