package platform

import "net/http"

func (s *Server) routeOAuth(mux *http.ServeMux) {}
