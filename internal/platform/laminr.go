package platform

import "net/http"

// routeLaminr adds Laminr below /laminr.
func (s *Server) routeLaminr(mux *http.ServeMux) {
	mux.HandleFunc("/laminr/", http.NotFound)
}
