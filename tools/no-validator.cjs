/** In place of the schema validator that the MCP client brings along: we check what servers send, and never compile it. */
module.exports = { CORS_IS_POSSIBLE: false, DefaultJsonSchemaValidator: Object };
