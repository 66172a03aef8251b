// How the carrier answers: its headers on every answer, its error body, its envelope around pages.

import type { FastifyReply } from "fastify";
import type { RestError } from "../carrier-model/rest-error.ts";

/** Sends a refusal with the carrier's body and error header. */
export function sendRestError(reply: FastifyReply, error: RestError): FastifyReply {
  return reply
    .code(error.status)
    .header("x-twilio-error-code", String(error.code))
    .send({
      code: error.code,
      message: error.message,
      more_info: `https://www.twilio.com/docs/errors/${error.code}`,
      status: error.status,
    });
}

export interface PageFacts {
  /** Path of the list, without query. */
  readonly path: string;
  /** The filters of the request; its paging parameters are replaced. */
  readonly query: URLSearchParams;
  readonly page: number;
  readonly pageSize: number;
  readonly start: number;
  readonly count: number;
  /** Token of the next page; null on the last one. */
  readonly nextToken: string | null;
}

/** The envelope of a page; the items themselves go beside it under their own name. */
export function pageEnvelope(facts: PageFacts): Record<string, unknown> {
  const uri = (page: number, token: string | null) => {
    const query = new URLSearchParams(facts.query);
    for (const name of ["Page", "PageSize", "PageToken"]) query.delete(name);
    query.set("PageSize", String(facts.pageSize));
    query.set("Page", String(page));
    if (token !== null) query.set("PageToken", token);
    return `${facts.path}?${query.toString()}`;
  };
  return {
    first_page_uri: uri(0, null),
    next_page_uri: facts.nextToken === null ? null : uri(facts.page + 1, facts.nextToken),
    previous_page_uri: facts.page === 0 ? null : uri(facts.page - 1, null),
    page: facts.page,
    page_size: facts.pageSize,
    start: facts.start,
    end: Math.max(facts.start, facts.start + facts.count - 1),
    uri: uri(facts.page, null),
  };
}
