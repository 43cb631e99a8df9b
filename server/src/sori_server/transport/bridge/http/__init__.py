"""Files over HTTP: Sori's own answer, OpenAI's, and what describes them."""
