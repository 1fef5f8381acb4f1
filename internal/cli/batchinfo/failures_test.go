package batchinfo

import "testing"

// TestFailureLimit: a part of the items is at least one item, and nothing means no limit.
func TestFailureLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text    string
		items   int
		want    int
		wantErr bool
	}{
		{text: "", items: 10, want: 0},
		{text: "3", items: 10, want: 3},
		{text: "5%", items: 200, want: 10},
		{text: "5%", items: 3, want: 1},
		{text: "100%", items: 7, want: 7},
		{text: "0", wantErr: true},
		{text: "0%", wantErr: true},
		{text: "101%", wantErr: true},
		{text: "1.5", wantErr: true},
		{text: "-1", wantErr: true},
		{text: "NaN", wantErr: true},
		{text: "some", wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := FailureLimit(tt.text, tt.items)
			if got != tt.want || (err != nil) != tt.wantErr {
				t.Errorf("got %d, %v; want %d, an error: %t", got, err, tt.want, tt.wantErr)
			}
		})
	}
}
