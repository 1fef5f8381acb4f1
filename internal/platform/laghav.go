package platform

import "net/http"

// routeLaghav adds Laghav below /laghav.
func (s *Server) routeLaghav(mux *http.ServeMux) {
	mux.HandleFunc("/laghav/", http.NotFound)
}
