"""WebSocket, HTTP and the page: doors for browsers, phones and whoever posts a file."""
