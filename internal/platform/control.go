package platform

import "net/http"

func (s *Server) routeControl(mux *http.ServeMux) {}

func (s *Server) guard(next http.Handler) http.Handler { return next }
