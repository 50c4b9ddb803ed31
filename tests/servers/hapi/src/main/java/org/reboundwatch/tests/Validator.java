package org.reboundwatch.tests;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * HL7's validator without a network: a line {"version": "R4" or "R5", "resource": {...}} in, a line with the array of
 * its issues out, each with severity, place and message. Only errors are said: the large terminologies are not here,
 * and that a code cannot be looked up is a warning.
 */
public final class Validator {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, FhirValidator> OF_VERSION = new HashMap<>();

  private Validator() {}

  public static void main(String[] arguments) throws Exception {
    // What a library prints must not stand between the answers.
    PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      JsonNode question = JSON.readTree(line);
      FhirValidator validator = OF_VERSION.computeIfAbsent(question.get("version").asText(), Validator::of);
      answers.println(JSON.writeValueAsString(errors(validator, JSON.writeValueAsString(question.get("resource")))));
    }
  }

  private static FhirValidator of(String version) {
    FhirContext context =
        switch (version) {
          case "R4" -> FhirContext.forR4();
          case "R5" -> FhirContext.forR5();
          default -> throw new IllegalArgumentException("R4 or R5");
        };
    UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
    unknown.setNonExistentCodeSystemSeverity(
        ca.uhn.fhir.context.support.IValidationSupport.IssueSeverity.WARNING);
    ValidationSupportChain chain =
        new ValidationSupportChain(
            new DefaultProfileValidationSupport(context),
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context),
            unknown);
    FhirInstanceValidator rules = new FhirInstanceValidator(chain);
    rules.setAssumeValidRestReferences(true);
    return context.newValidator().registerValidatorModule(rules);
  }

  private static ArrayNode errors(FhirValidator validator, String resource) {
    ArrayNode found = JSON.createArrayNode();
    for (SingleValidationMessage one : validator.validateWithResult(resource).getMessages()) {
      if (one.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0) {
        ObjectNode issue = found.addObject();
        issue.put("severity", one.getSeverity().getCode());
        issue.put("place", one.getLocationString());
        issue.put("message", one.getMessage());
      }
    }
    return found;
  }
}
