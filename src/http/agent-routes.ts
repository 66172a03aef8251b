// Agents (contract B.9): create, list, get, update, delete. An agent's settings are stored whole,
// with the defaults of the day it was made, so that a later default never changes how an agent
// behaves.

import { AppError } from "../domain/app-error.ts";
import { newAgentId } from "../domain/ids.ts";
import type { Random } from "../ports/random.ts";
import {
  createAgent,
  deleteAgent,
  findAgent,
  listAgents,
  lockAgent,
  updateAgent,
  type AgentRow,
} from "../store/agents.ts";
import { changeAgent, presentAgent, settingsOfNewAgent } from "./agent-fields.ts";
import {
  Agent,
  agentFieldCodes,
  AgentList,
  AgentListQuery,
  AgentParams,
  AgentRequest,
  DeletedAgent,
} from "./contract/agent.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

export function addAgentRoutes(app: RouteApp, dependencies: HttpDependencies): void {
  addCreateAndList(app, dependencies);
  addGetAndDelete(app, dependencies);
  addUpdate(app, dependencies);
}

function addCreateAndList(app: RouteApp, dependencies: HttpDependencies): void {
  const { database, clock, random, settings, secretBox } = dependencies;
  app.route({
    method: "POST",
    url: "/v1/agents",
    config: { access: "key", fieldCodes: agentFieldCodes },
    schema: {
      tags: ["Agents"],
      summary: "Create an agent",
      description: "Every field has a default. Unknown fields are ignored.",
      operationId: "createAgent",
      body: AgentRequest,
      response: { 201: Agent, ...errorAnswers(400) },
    },
    handler: async (request, reply) => {
      const now = clock.now();
      const agent = changeAgent(
        {
          id: newAgentId(random),
          uuid: newUuid(random),
          keyId: keyOf(request).id,
          ...settingsOfNewAgent(),
          createdAt: now,
          updatedAt: now,
        },
        request.body,
        { now, allowLocalUrls: settings.allowLocalUrls, secretBox },
      );
      await createAgent(database, agent);
      return reply.code(201).send(presentAgent(agent));
    },
  });
  app.route({
    method: "GET",
    url: "/v1/agents",
    config: { access: "key" },
    schema: {
      tags: ["Agents"],
      summary: "List active agents, newest first",
      operationId: "listAgents",
      querystring: AgentListQuery,
      response: { 200: AgentList, ...errorAnswers(400) },
    },
    handler: async (request) =>
      (await listAgents(database, keyOf(request).id, request.query)).map(presentAgent),
  });
}

function addGetAndDelete(app: RouteApp, { database, clock }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/agents/:agent_id",
    config: { access: "key" },
    schema: {
      tags: ["Agents"],
      summary: "Get an agent",
      operationId: "getAgent",
      params: AgentParams,
      response: { 200: Agent, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const agent = await findAgent(database, keyOf(request).id, request.params.agent_id);
      if (agent === null) throw agentNotFound();
      return presentAgent(agent);
    },
  });
  app.route({
    method: "DELETE",
    url: "/v1/agents/:agent_id",
    config: { access: "key" },
    schema: {
      tags: ["Agents"],
      summary: "Delete an agent",
      description:
        "Calls in progress finish, its numbers are left without an agent, its history stays. Scheduled campaigns of it fail when they fire.",
      operationId: "deleteAgent",
      params: AgentParams,
      response: { 200: DeletedAgent, ...errorAnswers(404) },
    },
    handler: async (request) => {
      const { agent_id } = request.params;
      if (!(await deleteAgent(database, keyOf(request).id, agent_id, clock.now())))
        throw agentNotFound();
      return { agent_id, deleted: true as const };
    },
  });
}

function addUpdate(app: RouteApp, dependencies: HttpDependencies): void {
  const { database, clock, settings, secretBox } = dependencies;
  app.route({
    method: "PUT",
    url: "/v1/agents/:agent_id",
    config: { access: "key", fieldCodes: agentFieldCodes },
    schema: {
      tags: ["Agents"],
      summary: "Change an agent",
      description:
        "Fields that are not sent stay as they are. One invalid value fails the whole update. Calls in progress keep the old settings.",
      operationId: "updateAgent",
      params: AgentParams,
      body: AgentRequest,
      response: { 200: Agent, ...errorAnswers(400, 404) },
    },
    handler: (request) =>
      database.transaction(async (tx) => {
        const before = await lockAgent(tx, keyOf(request).id, request.params.agent_id);
        if (before === null) throw agentNotFound();
        const now = clock.now();
        const after: AgentRow = changeAgent(before, request.body, {
          now,
          allowLocalUrls: settings.allowLocalUrls,
          secretBox,
        });
        await updateAgent(tx, after);
        return presentAgent(after);
      }),
  });
}

export function agentNotFound(): AppError {
  return new AppError("agent_not_found", { message: "There is no such agent." });
}

/** A random UUID (version 4). */
function newUuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
