// The carrier's REST API as one scope of routes. Anything it does not have is 20404.

import type { FastifyInstance } from "fastify";
import { openDice } from "../dice.ts";
import { addAccountRoutes } from "./account-routes.ts";
import { addCallRoutes } from "./call-routes.ts";
import { addCreateCallRoute, type CreateCallOptions } from "./create-call-route.ts";
import { addRecordingRoutes } from "./recording-routes.ts";
import { RequestDesk } from "./rest-request.ts";

/** Inline markup is at most 4,000 characters, which a form may treble; addresses take the rest. */
const MAX_FORM_BYTES = 64 * 1024;

export async function addRestRoutes(
  app: FastifyInstance,
  options: CreateCallOptions,
): Promise<void> {
  await app.register(
    (scope, _options, done) => {
      const desk = new RequestDesk(scope, options.run);
      scope.addHook("onRoute", (route) => {
        route.bodyLimit = MAX_FORM_BYTES;
      });
      addCreateCallRoute(scope, desk, options);
      addCallRoutes(scope, desk, openDice(options.seed, "rest faults"));
      addRecordingRoutes(scope, desk, openDice(options.seed, "recording faults"));
      addAccountRoutes(scope, desk);
      done();
    },
    { prefix: "/2010-04-01/Accounts" },
  );
}
