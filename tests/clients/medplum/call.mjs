// Calls CDS services with the client of Medplum. Standard input: {"cds": address of the services, "fhir": base of a FHIR
// server or null, "calls": [{"service": id, "request": {...}}]}. Standard output: {"services": [ids], "answers": [...]},
// each answer {"said": response} or {"outcome": OperationOutcome}. With a FHIR server Medplum fills the prefetch itself.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Its class for subscriptions, which no CDS call uses, extends one that older versions of Node do not have.
globalThis.WebSocket ??= class {};
const { MedplumClient, buildCdsRequest } = createRequire(`${process.argv[2]}/package.json`)("@medplum/core");

const { cds, fhir, calls } = JSON.parse(readFileSync(0, "utf8"));
const medplum = new MedplumClient({
  baseUrl: new URL("/", fhir ?? cds).href,
  fhirUrlPath: "fhir",
  cdsServicesUrl: cds,
  cacheTime: 0,
  maxRetries: 0,
});
const { services } = await medplum.getCdsServices();
const user = { resourceType: "Practitioner", id: "example" };
const answers = [];
for (const { service, request } of calls) {
  let body = request;
  if (fhir) {
    const offered = services.find((one) => one.id === service);
    body = { ...(await buildCdsRequest(medplum, user, offered, request.context)), extension: request.extension };
  }
  try {
    answers.push({ said: await medplum.callCdsService(service, body) });
  } catch (error) {
    if (!error.outcome) throw error;
    answers.push({ outcome: error.outcome });
  }
}
console.log(JSON.stringify({ services: services.map((one) => one.id), answers }));
