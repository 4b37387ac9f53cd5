# SPDX-License-Identifier: Apache-2.0
"""Checks objects against Kubernetes' own OpenAPI document, as `kubectl --validate=strict` does: types,
required fields, and no field that the server does not know.

tests/data/kubernetes-openapi-1.37.json.gz has the definitions of the kinds in KINDS, without their
texts. It is made anew from a Kubernetes source tree by
  kubernetes_schema.py k8s.io/kubernetes/api/openapi-spec/swagger.json
"""
import gzip
import json
import os
import sys

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../data/kubernetes-openapi-1.37.json.gz")
KINDS = {
    "ClusterRole", "ClusterRoleBinding", "ConfigMap", "CSIDriver", "DaemonSet", "Deployment",
    "Namespace", "NetworkPolicy", "Pod", "ResourceQuota", "Role", "RoleBinding", "ServiceAccount"}
GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"
REFERENCE = "#/definitions/"


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"][len(REFERENCE):]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def strip(schema):
    """A definition as JSON Schema, without texts."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    if schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    kept = {key: schema[key] for key in ("type", "required", "enum") if key in schema}
    if "properties" in schema:
        kept["properties"] = {name: strip(s) for name, s in schema["properties"].items()}
        kept["additionalProperties"] = False
    elif isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = strip(schema["additionalProperties"])
    if "items" in schema:
        kept["items"] = strip(schema["items"])
    return kept


def trim(swagger):
    with open(swagger, encoding="utf-8") as file:
        document = json.load(file)
    definitions, kept, kinds = document["definitions"], {}, {}
    for name, schema in definitions.items():
        for gvk in schema.get(GROUP_VERSION_KIND, []):
            if gvk["kind"] in KINDS and name.startswith("io.k8s.api."):
                api = "/".join(filter(None, (gvk["group"], gvk["version"])))
                kinds[f"{api} {gvk['kind']}"] = name
    wanted = list(kinds.values())
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = strip(definitions[name])
            wanted += references(kept[name])
    return {"version": document["info"]["version"], "kinds": kinds, "definitions": kept}


class Schemas:
    def __init__(self):
        with gzip.open(DATA, "rt", encoding="utf-8") as file:
            self.document = json.load(file)

    def errors(self, o):
        """The server's objections to the object, one line each."""
        import jsonschema
        kind = f"{o.get('apiVersion')} {o.get('kind')}"
        name = self.document["kinds"].get(kind)
        if name is None:
            return [f"{kind}: Kubernetes {self.document['version']} has no such kind"]
        schema = {"$ref": REFERENCE + name, "definitions": self.document["definitions"]}
        return [f"{kind} {o['metadata']['name']}: {'.'.join(map(str, e.absolute_path))}: {e.message}"
                for e in jsonschema.Draft7Validator(schema).iter_errors(o)]


if __name__ == "__main__":
    made = json.dumps(trim(sys.argv[1]), sort_keys=True, separators=(",", ":")).encode()
    with open(DATA, "wb") as out, gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed:
        packed.write(made)
