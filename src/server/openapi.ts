import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { problemSchema } from '../protocol/problem.ts'
import { type Route, routes } from '../protocol/routes.ts'

/** Serves the OpenAPI 3.1 document of the routes. */
export const serveOpenApi = (app: FastifyInstance, version: string): void => {
  const document = openApi(version)
  app.get('/api/openapi.json', async (_request, reply) => reply.type('application/json').send(document))
}

const openApi = (version: string) => {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operation(name, route)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'roomtone', version, description: 'Live updates: GET /api/events, a text/event-stream.' },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: z.toJSONSchema(problemSchema) },
    },
  }
}

const operation = (name: string, route: Route) => ({
  operationId: name,
  summary: route.summary,
  ...(route.auth !== 'none' && { security: [{ bearer: [] }] }),
  parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
  ...(route.body && { requestBody: { required: true, content: json(inputSchema(route.body)) } }),
  responses: {
    [route.answer ? (route.status ?? 200) : 204]: {
      description: route.answer ? 'Done' : 'Done, nothing to say',
      ...(route.answer && { content: json(z.toJSONSchema(route.answer, { unrepresentable: 'any' })) }),
    },
    default: {
      description: 'A problem (RFC 9457)',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
})

const json = (schema: unknown) => ({ 'application/json': { schema } })

// What is sent, before checks transform it.
const inputSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })

const pathParameters = (path: string) =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))

const queryParameters = (query: z.ZodType | undefined) => {
  const properties = query ? (inputSchema(query).properties ?? {}) : {}
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}
