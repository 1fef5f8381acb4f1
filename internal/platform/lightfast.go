package platform

import "net/http"

// routeLightfast adds Lightfast below /lightfast.
func (s *Server) routeLightfast(mux *http.ServeMux) {
	mux.HandleFunc("/lightfast/", http.NotFound)
}
