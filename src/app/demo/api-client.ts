// The demo talks to its server as any client would: over HTTP, with a key.

export interface ApiClient {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
}

/** @throws Error with the server's own message for every answer that is not 2xx */
export function createApiClient(url: string, authorization: string): ApiClient {
  const send = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${authorization}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(
        `${method} ${path} was answered with ${response.status}: ${text.slice(0, 500)}`,
      );
    // The contract of the server that the demo itself started.
    return JSON.parse(text) as T;
  };
  return {
    get: (path) => send("GET", path),
    post: (path, body) => send("POST", path, body),
  };
}
