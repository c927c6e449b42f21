// A module of its own, loaded when there is a file to read: bundled, a package in CommonJS keeps its names only when imported so.
export { parse as parseYaml } from 'yaml'
