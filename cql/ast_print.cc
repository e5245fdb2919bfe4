#include <algorithm>

#include "absl/strings/ascii.h"
#include "cql/ast.h"
#include "cql/keywords.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

// Whether unquoted `name` would read back as another name, or as no name at all.
bool NeedsQuotes(std::string_view name) {
  if (name.empty() || !absl::ascii_islower(name[0])) return true;
  const bool plain = std::ranges::all_of(
      name, [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_'; });
  if (!plain) return true;
  const Keyword keyword = FindKeyword(name);
  return IsReserved(keyword) || keyword == Keyword::kAs || keyword == Keyword::kDistinct ||
         keyword == Keyword::kJson;
}

// Appends to a string; one Print() per kind of node.
class Printer {
 public:
  std::string Take() && { return std::move(out_); }

  void Print(const Identifier& node) { Append(QuoteName(node.name)); }

  void Print(const QualifiedName& node) {
    if (!node.keyspace.empty()) Append(QuoteName(node.keyspace), ".");
    Append(QuoteName(node.name));
  }

  void Print(const TypeName& node) {
    if (node.custom) return Append(QuoteString(node.name));
    if (!node.keyspace.empty()) Append(QuoteName(node.keyspace), ".");
    if (node.quoted) {
      Append("\"", DoubleQuotes(node.name, '"'), "\"");
    } else {
      Append(node.name);
    }
    if (node.params.empty()) return;
    PrintList("<", node.params, "");
    if (node.dimension > 0) Append(", ", std::to_string(node.dimension));
    Append(">");
  }

  // ---- terms

  void Print(const NullLiteral&) { Append("null"); }

  void Print(const Literal& node) {
    switch (node.kind) {
      case Literal::Kind::kString:
        return Append(QuoteString(node.text));
      case Literal::Kind::kBlob:
        return Append("0x", node.text);
      default:
        return Append(node.text);
    }
  }

  void Print(const BindMarker& node) {
    if (node.name.empty()) {
      Append("?");
    } else {
      Append(":", QuoteName(node.name));
    }
  }

  void Print(const FunctionCall& node) { PrintCall(node); }
  void Print(const ListLiteral& node) { PrintList("[", node.elements, "]"); }
  void Print(const SetLiteral& node) { PrintList("{", node.elements, "}"); }
  void Print(const MapLiteral& node) { PrintList("{", node.entries, "}"); }
  void Print(const TupleLiteral& node) { PrintList("(", node.elements, ")"); }
  void Print(const MapEntry& node) {
    Print(node.key);
    Append(": ");
    Print(node.value);
  }
  void Print(const FieldEntry& node) {
    Print(node.field);
    Append(": ");
    Print(node.value);
  }
  void Print(const UdtLiteral& node) { PrintList("{", node.fields, "}"); }
  void Print(const TypeHint& node) {
    Append("(");
    Print(node.type);
    Append(") ");
    Print(node.operand.front());
  }
  void Print(const Cast& node) {
    Append("CAST(");
    Print(node.operand.front());
    Append(" AS ");
    Print(node.type);
    Append(")");
  }
  void Print(const Arithmetic& node) {
    Print(node.operands.front());
    for (size_t i = 0; i < node.operators.size(); ++i) {
      Append(" ", ToString(node.operators[i]), " ");
      Print(node.operands[i + 1]);
    }
  }
  void Print(const Negation& node) {  // apart: -1 is a literal, and -- starts a comment
    Append("- ");
    Print(node.operand.front());
  }
  void Print(const Term& node) { PrintAny(node.value); }

  // ---- selectors

  void Print(const CountRows&) { Append("count(*)"); }
  void Print(const PathStep& node) {
    if (node.kind == PathStep::Kind::kField) {
      Append(".");
      return Print(node.field);
    }
    Append("[");
    if (node.from) Print(*node.from);
    if (node.kind == PathStep::Kind::kSlice) Append(out_.ends_with('.') ? " .." : "..");
    if (node.to) Print(*node.to);
    Append("]");
  }
  void Print(const Path& node) {
    Print(node.base.front());
    PrintList("", node.steps, "", "");
  }
  void Print(const SelectItem& node) {
    Print(node.selector);
    if (!node.alias) return;
    Append(" AS ");
    Print(*node.alias);
  }

  // ---- clauses

  void Print(const TermList& node) { PrintList("(", node.terms, ")"); }

  void Print(const Relation& node) {
    switch (node.left) {
      case Relation::Left::kColumn:
        Print(node.columns.front());
        break;
      case Relation::Left::kTuple:
        PrintList("(", node.columns, ")");
        break;
      case Relation::Left::kToken:
        PrintList("token(", node.columns, ")");
        break;
      case Relation::Left::kElement:
        Print(node.columns.front());
        PrintElement(*node.key);
        break;
      case Relation::Left::kField:
        Print(node.columns.front());
        Append(".");
        Print(node.field);
        break;
    }
    Append(" ", ToString(node.op));
    if (node.op == Operator::kIsNotNull) return;
    Append(" ");
    PrintAny(node.right);
  }

  void Print(const Ordering& node) {
    Print(node.column);
    Append(node.descending ? " DESC" : " ASC");
  }

  void Print(const Option& node) {
    Append(QuoteName(node.name), " = ");
    Print(node.value);
  }

  void Print(const Assignment& node) {
    using Kind = Assignment::Kind;
    Print(node.column);
    if (node.kind == Kind::kElement) PrintElement(*node.key);
    if (node.kind == Kind::kField) {
      Append(".");
      Print(node.field);
    }
    Append(" = ");
    if (node.kind == Kind::kAppend || node.kind == Kind::kRemove) {
      Print(node.column);
      Append(node.kind == Kind::kAppend ? " + " : " - ");
    }
    Print(node.value);
    if (node.kind == Kind::kPrepend) {
      Append(" + ");
      Print(node.column);
    }
  }

  void Print(const DeleteTarget& node) {
    Print(node.column);
    if (node.key) PrintElement(*node.key);
    if (node.field) {
      Append(".");
      Print(*node.field);
    }
  }

  void Print(const UpdateParameters& node) {
    if (!node.timestamp && !node.ttl) return;
    Append(" USING ");
    const auto ttl = [&] {
      Append("TTL ");
      Print(*node.ttl);
    };
    const auto timestamp = [&] {
      Append("TIMESTAMP ");
      Print(*node.timestamp);
    };
    if (!node.timestamp) return ttl();
    if (!node.ttl) return timestamp();
    node.ttl_first ? ttl() : timestamp();
    Append(" AND ");
    node.ttl_first ? timestamp() : ttl();
  }

  // ---- statements

  void Print(const CreateKeyspaceStatement& node) {
    Append("CREATE KEYSPACE ", node.if_not_exists ? "IF NOT EXISTS " : "");
    Print(node.keyspace);
    PrintList(" WITH ", node.options, "", " AND ");
  }

  void Print(const AlterKeyspaceStatement& node) {
    Append("ALTER KEYSPACE ", node.if_exists ? "IF EXISTS " : "");
    Print(node.keyspace);
    PrintList(" WITH ", node.options, "", " AND ");
  }

  void Print(const DropKeyspaceStatement& node) {
    Append("DROP KEYSPACE ", node.if_exists ? "IF EXISTS " : "");
    Print(node.keyspace);
  }

  void Print(const ColumnDefinition& node) {
    Print(node.name);
    Append(" ");
    Print(node.type);
    if (node.is_static) Append(" STATIC");
  }

  void Print(const PrimaryKey& node) {
    Append("PRIMARY KEY (");
    const bool composite = node.partition.size() > 1;
    PrintList(composite ? "(" : "", node.partition, composite ? ")" : "");
    if (!node.clustering.empty()) PrintList(", ", node.clustering, "");
    Append(")");
  }

  void Print(const CreateTableStatement& node) {
    Append("CREATE TABLE ", node.if_not_exists ? "IF NOT EXISTS " : "");
    Print(node.table);
    PrintList(" (", node.columns, ", ");
    Print(node.primary_key);
    Append(")");
    std::string_view word = " WITH ";
    if (!node.clustering_order.empty()) {
      PrintList(" WITH CLUSTERING ORDER BY (", node.clustering_order, ")");
      word = " AND ";
    }
    if (!node.options.empty()) PrintList(word, node.options, "", " AND ");
  }

  void Print(const DropTableStatement& node) {
    Append("DROP TABLE ", node.if_exists ? "IF EXISTS " : "");
    Print(node.table);
  }

  void Print(const Rename& node) {
    Print(node.from);
    Append(" TO ");
    Print(node.to);
  }

  void Print(const AlterTableStatement& node) {
    using Kind = AlterTableStatement::Kind;
    Append("ALTER TABLE ", node.if_exists ? "IF EXISTS " : "");
    Print(node.table);
    const std::string_view if_column = !node.if_column           ? ""
                                       : node.kind == Kind::kAdd ? "IF NOT EXISTS "
                                                                 : "IF EXISTS ";
    switch (node.kind) {
      case Kind::kAdd:
        Append(" ADD ", if_column);
        return PrintList("(", node.columns, ")");
      case Kind::kDrop:
        Append(" DROP ", if_column);
        PrintList("(", node.names, ")");
        if (!node.timestamp) return;
        Append(" USING TIMESTAMP ");
        return Print(*node.timestamp);
      case Kind::kRename:
        Append(" RENAME ", if_column);
        return PrintList("", node.renames, "", " AND ");
      case Kind::kAlter:
        Append(" ALTER ", if_column);
        Print(node.columns.front().name);
        Append(" TYPE ");
        return Print(node.columns.front().type);
      case Kind::kOptions:
        return PrintList(" WITH ", node.options, "", " AND ");
    }
  }

  void Print(const FieldDefinition& node) {
    Print(node.name);
    Append(" ");
    Print(node.type);
  }

  void Print(const CreateTypeStatement& node) {
    Append("CREATE TYPE ", node.if_not_exists ? "IF NOT EXISTS " : "");
    Print(node.type);
    PrintList(" (", node.fields, ")");
  }

  void Print(const AlterTypeStatement& node) {
    using Kind = AlterTypeStatement::Kind;
    Append("ALTER TYPE ", node.if_exists ? "IF EXISTS " : "");
    Print(node.type);
    switch (node.kind) {
      case Kind::kAdd:
        Append(" ADD ", node.if_field ? "IF NOT EXISTS " : "");
        return Print(node.field);
      case Kind::kRename:
        Append(" RENAME ", node.if_field ? "IF EXISTS " : "");
        return PrintList("", node.renames, "", " AND ");
      case Kind::kAlter:
        Append(" ALTER ", node.if_field ? "IF EXISTS " : "");
        Print(node.field.name);
        Append(" TYPE ");
        return Print(node.field.type);
    }
  }

  void Print(const DropTypeStatement& node) {
    Append("DROP TYPE ", node.if_exists ? "IF EXISTS " : "");
    Print(node.type);
  }

  void Print(const TruncateStatement& node) {
    Append("TRUNCATE TABLE ");
    Print(node.table);
  }

  void Print(const UseStatement& node) {
    Append("USE ");
    Print(node.keyspace);
  }

  void Print(const InsertStatement& node) {
    Append("INSERT INTO ");
    Print(node.table);
    if (node.json) {
      Append(" JSON ");
      Print(*node.json);
      if (node.json_default_unset) Append(" DEFAULT UNSET");
    } else {
      PrintList(" (", node.columns, ")");
      PrintList(" VALUES (", node.values, ")");
    }
    if (node.if_not_exists) Append(" IF NOT EXISTS");
    Print(node.parameters);
  }

  void Print(const UpdateStatement& node) {
    Append("UPDATE ");
    Print(node.table);
    Print(node.parameters);
    PrintList(" SET ", node.assignments, "");
    PrintWhereAndIf(node);
  }

  void Print(const DeleteStatement& node) {
    Append("DELETE ");
    if (!node.targets.empty()) PrintList("", node.targets, " ");
    Append("FROM ");
    Print(node.table);
    Print(node.parameters);
    PrintWhereAndIf(node);
  }

  void Print(const SelectStatement& node) {
    Append("SELECT ", node.json ? "JSON " : "", node.distinct ? "DISTINCT " : "");
    if (node.items.empty()) Append("*");
    PrintList("", node.items, " FROM ");
    Print(node.table);
    if (!node.where.empty()) PrintList(" WHERE ", node.where, "", " AND ");
    if (!node.group_by.empty()) PrintList(" GROUP BY ", node.group_by, "");
    if (!node.order_by.empty()) PrintList(" ORDER BY ", node.order_by, "");
    if (node.per_partition_limit) {
      Append(" PER PARTITION LIMIT ");
      Print(*node.per_partition_limit);
    }
    if (node.limit) {
      Append(" LIMIT ");
      Print(*node.limit);
    }
    if (node.allow_filtering) Append(" ALLOW FILTERING");
  }

  void Print(const BatchStatement& node) {
    Append(node.type == BatchType::kUnlogged  ? "BEGIN UNLOGGED BATCH"
           : node.type == BatchType::kCounter ? "BEGIN COUNTER BATCH"
                                              : "BEGIN BATCH");
    Print(node.parameters);
    for (const auto& modification : node.modifications) {
      Append(" ");
      PrintAny(modification);
      Append(";");
    }
    Append(" APPLY BATCH");
  }

  void Print(const DescribeStatement& node) {
    using Kind = DescribeStatement::Kind;
    static constexpr std::string_view kWords[] = {"CLUSTER",
                                                  "SCHEMA",
                                                  "KEYSPACES",
                                                  "TABLES",
                                                  "TYPES",
                                                  "FUNCTIONS",
                                                  "AGGREGATES",
                                                  "KEYSPACE",
                                                  "TABLE",
                                                  "TYPE",
                                                  "FUNCTION",
                                                  "AGGREGATE",
                                                  "INDEX",
                                                  "MATERIALIZED VIEW",
                                                  ""};
    Append("DESCRIBE ", node.full ? "FULL " : "", node.only ? "ONLY " : "",
           kWords[static_cast<size_t>(node.kind)]);
    const bool any = node.kind == Kind::kAny;
    if (node.kind >= Kind::kKeyspace && !node.target.name.empty()) {
      Append(any ? "" : " ");
      // A keyword would name a kind of thing.
      if (any && node.target.keyspace.empty() && FindKeyword(node.target.name) != Keyword::kNone) {
        Append("\"", DoubleQuotes(node.target.name, '"'), "\"");
      } else {
        Print(node.target);
      }
    }
    if (node.with_internals) Append(" WITH INTERNALS");
  }

  template <typename... Nodes>
  void PrintAny(const std::variant<Nodes...>& node) {
    std::visit([this](const auto& alternative) { this->Print(alternative); }, node);
  }

 private:
  template <typename... Parts>
  void Append(const Parts&... parts) {
    (out_.append(parts), ...);
  }

  void PrintElement(const Term& key) {
    Append("[");
    Print(key);
    Append("]");
  }

  template <typename T>
  void PrintList(std::string_view open, const std::vector<T>& nodes, std::string_view close,
                 std::string_view separator = ", ") {
    Append(open);
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (i > 0) Append(separator);
      Print(nodes[i]);
    }
    Append(close);
  }

  // `token` is reserved but names a function; `cast(` and, after CONTAINS, `key(` start something
  // else.
  template <typename Call>
  void PrintCall(const Call& node) {
    const std::string& name = node.function.name;
    if (node.function.keyspace.empty() && name == "token") {
      Append(name);
    } else if (node.function.keyspace.empty() && (name == "cast" || name == "key")) {
      Append("\"", name, "\"");
    } else {
      Print(node.function);
    }
    PrintList("(", node.arguments, ")");
  }

  template <typename Modification>
  void PrintWhereAndIf(const Modification& node) {
    PrintList(" WHERE ", node.where, "", " AND ");
    if (node.if_exists) Append(" IF EXISTS");
    if (!node.conditions.empty()) PrintList(" IF ", node.conditions, "", " AND ");
  }

  std::string out_;
};

template <typename NodeType>
std::string PrintOne(const NodeType& node) {
  Printer printer;
  printer.Print(node);
  return std::move(printer).Take();
}

}  // namespace

std::string_view ToString(ArithmeticOperator op) {
  switch (op) {
    case ArithmeticOperator::kAdd:
      return "+";
    case ArithmeticOperator::kSubtract:
      return "-";
    case ArithmeticOperator::kMultiply:
      return "*";
    case ArithmeticOperator::kDivide:
      return "/";
    case ArithmeticOperator::kModulo:
      return "%";
  }
  return "";
}

std::string_view ToString(Operator op) {
  switch (op) {
    case Operator::kEqual:
      return "=";
    case Operator::kNotEqual:
      return "!=";
    case Operator::kLess:
      return "<";
    case Operator::kLessOrEqual:
      return "<=";
    case Operator::kGreater:
      return ">";
    case Operator::kGreaterOrEqual:
      return ">=";
    case Operator::kIn:
      return "IN";
    case Operator::kContains:
      return "CONTAINS";
    case Operator::kContainsKey:
      return "CONTAINS KEY";
    case Operator::kLike:
      return "LIKE";
    case Operator::kIsNotNull:
      return "IS NOT NULL";
  }
  return "";
}

std::string ToCql(const Statement& statement) {
  Printer printer;
  printer.PrintAny(statement);
  return std::move(printer).Take();
}

std::string ToCql(const Term& term) { return PrintOne(term); }
std::string ToCql(const TypeName& type) { return PrintOne(type); }
std::string ToCql(const Relation& relation) { return PrintOne(relation); }
std::string ToCql(const QualifiedName& name) { return PrintOne(name); }

std::string QuoteName(std::string_view name) {
  if (!NeedsQuotes(name)) return std::string(name);
  return Concat({"\"", DoubleQuotes(name, '"'), "\""});
}

std::string QuoteString(std::string_view text) {
  return Concat({"'", DoubleQuotes(text, '\''), "'"});
}

}  // namespace tholos::cql
