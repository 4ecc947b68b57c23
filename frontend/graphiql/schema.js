// The schema as the documentation explorer shows it: each field says what guards it, its type's guard included.
import { buildSchema, isInterfaceType, isObjectType } from "graphql";

/** Reads the published SDL. A field without a guard of its own takes the sentence that ends its type's description. */
export function readSchema(text) {
  const schema = buildSchema(text);
  for (const type of Object.values(schema.getTypeMap())) {
    if ((!isObjectType(type) && !isInterfaceType(type)) || type.name.startsWith("__")) continue;
    const guard = /\(scope [^)]*\)$/.exec(type.description ?? "")?.[0];
    for (const field of Object.values(type.getFields())) {
      if (guard && !/\(scope [^)]*\)$/.test(field.description ?? "")) {
        field.description = `${field.description ?? ""} ${guard}`.trim();
      }
    }
  }
  return schema;
}
