"""The asyncio shell: drives sessions, admits and drains them."""
