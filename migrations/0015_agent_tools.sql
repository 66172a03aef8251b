-- What an agent's own tools are called with: the values of their headers, encrypted, by tool and header. Their names and
-- everything else of a tool stand in the agent's settings.
alter table agents add column tool_headers_encrypted bytea;
