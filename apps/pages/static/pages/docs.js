// Starts Swagger UI on /docs. It asks this server alone: no validator elsewhere, no stored token.
const docs = document.getElementById("docs");

SwaggerUIBundle({
  domNode: docs,
  url: docs.dataset.schema,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  persistAuthorization: false,
  validatorUrl: null,
});
