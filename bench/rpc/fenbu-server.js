import { createRpcServer } from 'fenbu/rpc'
import { answerCpu } from './load.js'

const server = await createRpcServer()
await server.provide('echo', { echo: async (message) => message })
answerCpu()
process.send({ port: server.address.port })
