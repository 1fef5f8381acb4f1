package platform

import "net/http"

// routeLamatic adds Lamatic below /lamatic.
func (s *Server) routeLamatic(mux *http.ServeMux) {
	mux.HandleFunc("/lamatic/", http.NotFound)
}
