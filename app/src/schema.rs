//! JSON Schemas of the scenario file and of the reports, made from the comments and types of their structs.
//!
//! A scenario is RON; its schema describes the same tree in JSON: a struct is an object, `On` is `"On"`,
//! `Rooms(size: 10)` is `{"Rooms": {"size": 10}}`, and `Feed("us-east-1")` is `{"Feed": "us-east-1"}`. A scenario that
//! `extends` another one may leave out every field of a struct, so structs have a second form without `required`.

use serde_json::{Map, Value, json};
use sim_core::docs::{self, Docs, Expr, Field, Holds, Shape, Type, Variant, split_default};

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Behind the name of the form that a variant takes.
const PARTIAL: &str = "OfVariant";

/// The schema of a scenario file.
pub(crate) fn scenario() -> Value {
    let docs = docs::scenario();
    let mut schema = head("Plimsoll scenario");
    schema.insert(
        "description".to_owned(),
        json!("A scenario file (RON) as the JSON tree it stands for: Name(a: 1) is {\"Name\": {\"a\": 1}}."),
    );
    schema.insert("if".to_owned(), json!({"required": ["extends"]}));
    schema.insert("then".to_owned(), reference("Scenario", true));
    schema.insert("else".to_owned(), reference("Scenario", false));
    let roots = [("RawScenario", false), ("RawScenario", true)];
    schema.insert("$defs".to_owned(), definitions(&docs, &roots));
    Value::Object(schema)
}

/// The schema of a report: `RunReport` and the others.
pub(crate) fn report(root: &'static str) -> Value {
    let docs = docs::report();
    let mut schema = head(&format!("Plimsoll {root}"));
    schema.insert("$ref".to_owned(), json!(format!("#/$defs/{root}")));
    schema.insert("$defs".to_owned(), definitions(&docs, &[(root, false)]));
    Value::Object(schema)
}

fn head(title: &str) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!(DIALECT));
    schema.insert("title".to_owned(), json!(title));
    schema
}

/// The roots and all they refer to, in the order in which they are met.
fn definitions(docs: &Docs, roots: &[(&'static str, bool)]) -> Value {
    let mut writer = Writer {
        docs,
        wanted: roots.to_vec(),
    };
    let mut out = Map::new();
    let mut next = 0;
    while let Some((name, partial)) = writer.wanted.get(next).copied() {
        next += 1;
        if let Some(found) = docs.get(name) {
            out.insert(called(name, partial), writer.definition(found, partial));
        }
    }
    if roots.iter().any(|(name, _)| *name == "RawScenario") {
        out.insert("Quantity".to_owned(), quantity());
    }
    Value::Object(out)
}

fn quantity() -> Value {
    json!({
        "description": "A number, or text with a unit such as \"250 ms\".",
        "type": ["number", "string"],
    })
}

fn reference(name: &str, partial: bool) -> Value {
    json!({"$ref": format!("#/$defs/{}", called(name, partial))})
}

fn called(name: &str, partial: bool) -> String {
    let name = name.strip_prefix("Raw").unwrap_or(name);
    format!("{name}{}", if partial { PARTIAL } else { "" })
}

struct Writer<'a> {
    docs: &'a Docs,
    wanted: Vec<(&'static str, bool)>,
}

impl Writer<'_> {
    fn definition(&mut self, found: &Type, partial: bool) -> Value {
        let mut out = match &found.shape {
            Shape::Struct(fields) => self.object(fields, partial),
            Shape::Choice(variants) => self.choice(variants),
        };
        out.insert("description".to_owned(), json!(found.doc));
        Value::Object(out)
    }

    fn object(&mut self, fields: &[Field], partial: bool) -> Map<String, Value> {
        let mut properties = Map::new();
        for field in fields {
            properties.insert(field.name.to_owned(), self.field(field, partial));
        }
        // A variant still says which file it is.
        let needed =
            |f: &&Field| !f.optional && (!partial || ["version", "name"].contains(&f.name));
        let required: Vec<&str> = fields.iter().filter(needed).map(|f| f.name).collect();
        let mut out = Map::new();
        out.insert("type".to_owned(), json!("object"));
        out.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            out.insert("required".to_owned(), json!(required));
        }
        out.insert("additionalProperties".to_owned(), json!(false));
        out
    }

    fn field(&mut self, field: &Field, partial: bool) -> Value {
        let (expr, optional) = self.docs.plain(&field.expr);
        let schema = self.expr(expr, partial);
        let schema = if field.optional || optional {
            json!({"anyOf": [schema, {"type": "null"}]})
        } else {
            schema
        };
        let mut out = match schema {
            Value::Object(map) => map,
            other => Map::from_iter([("const".to_owned(), other)]),
        };
        let (what, default) = split_default(&field.doc);
        if !what.is_empty() {
            out.insert("description".to_owned(), json!(what));
        }
        if let Some(default) = default {
            out.insert("x-default".to_owned(), json!(default));
        }
        Value::Object(out)
    }

    fn choice(&mut self, variants: &[Variant]) -> Map<String, Value> {
        let one = |writer: &mut Self, variant: &Variant| match &variant.holds {
            Holds::Nothing => json!({"const": variant.name, "description": variant.doc}),
            Holds::Value(expr) => tagged(variant, writer.expr(expr, false)),
            Holds::Fields(fields) => tagged(variant, Value::Object(writer.object(fields, false))),
        };
        let any: Vec<Value> = variants.iter().map(|variant| one(self, variant)).collect();
        Map::from_iter([("oneOf".to_owned(), Value::Array(any))])
    }

    fn expr(&mut self, expr: &Expr, partial: bool) -> Value {
        match self.docs.plain(expr).0 {
            Expr::Optional(inner) => {
                json!({"anyOf": [self.expr(inner, partial), {"type": "null"}]})
            }
            Expr::List(inner) => {
                let (plain, optional) = self.docs.plain(inner);
                let items = self.expr(plain, false);
                if optional {
                    json!({"type": "array", "items": {"anyOf": [items, {"type": "null"}]}})
                } else {
                    json!({"type": "array", "items": items})
                }
            }
            Expr::Map(inner) => {
                json!({"type": "object", "additionalProperties": self.expr(inner, partial)})
            }
            Expr::Pair(a, b) => {
                let pair = [self.expr(a, false), self.expr(b, false)];
                json!({"type": "array", "prefixItems": pair, "minItems": 2, "maxItems": 2})
            }
            Expr::Text => json!({"type": "string"}),
            Expr::Number => json!({"type": "number"}),
            Expr::Whole => json!({"type": "integer", "minimum": 0}),
            Expr::Flag => json!({"type": "boolean"}),
            Expr::Quantity => json!({"$ref": "#/$defs/Quantity"}),
            Expr::Named(name) => {
                let is_struct = self.docs.get(name).is_some_and(|t| !t.fields().is_empty());
                let wanted = (*name, partial && is_struct);
                if !self.wanted.contains(&wanted) {
                    self.wanted.push(wanted);
                }
                reference(name, wanted.1)
            }
        }
    }
}

/// `{"Rooms": …}`
fn tagged(variant: &Variant, content: Value) -> Value {
    json!({
        "type": "object",
        "description": variant.doc,
        "properties": {variant.name: content},
        "required": [variant.name],
        "additionalProperties": false,
    })
}

#[cfg(test)]
#[path = "schema/tests.rs"]
mod tests;
