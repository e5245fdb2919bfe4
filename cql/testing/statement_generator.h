// Random statements for property tests.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cql/ast.h"

namespace tholos::cql::testing {

// Draws trees as the parser can make them, numbering bind markers in the order in which they print.
class StatementGenerator {
 public:
  explicit StatementGenerator(uint64_t seed) : random_(seed) {}

  int Upto(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }

  Statement AnyStatement() {
    next_marker_ = 0;
    switch (Upto(17)) {
      case 0:
        return Select();
      case 1:
        return Insert();
      case 2:
        return Update();
      case 3:
        return Delete();
      case 4:
        return Batch();
      case 5:
        return WithName<UseStatement>(&UseStatement::keyspace);
      case 6:
        return CreateKeyspace();
      case 7: {
        auto drop = WithName<DropKeyspaceStatement>(&DropKeyspaceStatement::keyspace);
        drop.if_exists = Coin();
        return drop;
      }
      case 8:
        return CreateTable();
      case 9: {
        DropTableStatement drop;
        drop.if_exists = Coin();
        drop.table = Qualified();
        return drop;
      }
      case 11: {
        auto alter = WithName<AlterKeyspaceStatement>(&AlterKeyspaceStatement::keyspace);
        alter.if_exists = Coin();
        alter.options = Options(1);
        return alter;
      }
      case 12:
        return AlterTable();
      case 13: {
        CreateTypeStatement create;
        create.if_not_exists = Coin();
        create.type = Qualified();
        create.fields = Some<FieldDefinition>(1, [this] { return Field(); });
        return create;
      }
      case 14:
        return AlterType();
      case 15: {
        DropTypeStatement drop;
        drop.if_exists = Coin();
        drop.type = Qualified();
        return drop;
      }
      case 10: {
        TruncateStatement truncate;
        truncate.table = Qualified();
        return truncate;
      }
      default:
        return Describe();
    }
  }

 private:
  bool Coin() { return Upto(2) == 0; }

  std::string NameText() {
    static constexpr std::string_view kNames[] = {
        "a",         "b",      "key",    "type",    "ttl",
        "count",     "values", "as",     "json",    "distinct",
        "token",     "set",    "from",   "exists",  "cast",
        "list",      "null",   "nan",    "MiXed",   "with \"quotes\"",
        "h\xC3\xA9", "1st",    "_x",     "a_1",     "contains",
        "timestamp", "per",    "static", "primary", "writetime",
        "--",        "/*",     "a.b",    "e5",      "x'y",
        "true",      "in",     "ks$",    "abcdef12"};
    return std::string(kNames[Upto(std::size(kNames))]);
  }

  Identifier Name() {
    Identifier name;
    name.name = NameText();
    return name;
  }

  template <typename T>
  T WithName(Identifier T::* member) {
    T statement;
    statement.*member = Name();
    return statement;
  }

  QualifiedName Qualified() {
    QualifiedName name;
    if (Coin()) name.keyspace = NameText();
    name.name = NameText();
    return name;
  }

  template <typename T, typename Make>
  std::vector<T> Some(int at_least, Make make) {
    std::vector<T> some;
    for (int n = at_least + Upto(3); n > 0; --n) some.push_back(make());
    return some;
  }

  std::vector<Identifier> Names() {
    return Some<Identifier>(1, [this] { return Name(); });
  }

  TypeName Type(int depth = 0) {
    static constexpr std::string_view kTypes[] = {"int",  "text", "set",     "map", "frozen",
                                                  "list", "uuid", "my_type", "as",  "key"};
    TypeName type;
    type.quoted = Upto(4) == 0;
    type.name = type.quoted ? NameText() : std::string(kTypes[Upto(std::size(kTypes))]);
    if (Upto(4) == 0 && (type.quoted || type.name != "set")) type.keyspace = NameText();
    if (depth > 0 && Upto(12) == 0) {
      TypeName custom;
      custom.custom = true;
      custom.name = "org.x.Y's";
      return custom;
    }
    if (depth < 4 && Upto(8) == 0) {
      TypeName vector;
      vector.name = "vector";
      vector.params = {Type(depth + 1)};
      vector.dimension = 1 + static_cast<uint32_t>(Upto(2000));
      return vector;
    }
    if (depth < 4 && Coin()) {
      type.params = Some<TypeName>(1, [&] { return Type(depth + 1); });
    }
    return type;
  }

  Literal AnyLiteral() {
    using Kind = Literal::Kind;
    static const std::vector<std::pair<Kind, std::string_view>> kLiterals = {
        {Kind::kString, ""},
        {Kind::kString, "it's"},
        {Kind::kString, "$$;--/*\n"},
        {Kind::kString, "h\xC3\xA9"},
        {Kind::kInteger, "0"},
        {Kind::kInteger, "-12345678901234567890"},
        {Kind::kFloat, "1.5"},
        {Kind::kFloat, "-1.e-7"},
        {Kind::kFloat, "1E5"},
        {Kind::kFloat, "1."},
        {Kind::kFloat, "NaN"},
        {Kind::kFloat, "-Infinity"},
        {Kind::kFloat, "Infinity"},
        {Kind::kBoolean, "true"},
        {Kind::kBoolean, "false"},
        {Kind::kBlob, ""},
        {Kind::kBlob, "cafe"},
        {Kind::kDuration, "1y2mo3d"},
        {Kind::kDuration, "-P1Y2MT3S"},
        {Kind::kUuid, "abcdefab-0000-1000-8000-00805f9b34fb"},
        {Kind::kUuid, "123e4567-e89b-12d3-a456-426614174000"}};
    const auto& [kind, text] = kLiterals[Upto(static_cast<int>(kLiterals.size()))];
    Literal literal;
    literal.kind = kind;
    literal.text = std::string(text);
    return literal;
  }

  BindMarker Marker() {
    BindMarker marker;
    marker.index = next_marker_++;
    if (Coin()) marker.name = NameText();
    return marker;
  }

  Term MarkerTerm() { return Term{Marker()}; }

  Term Count() {
    if (Coin()) return MarkerTerm();
    Literal literal;
    literal.kind = Literal::Kind::kInteger;
    literal.text = std::to_string(Upto(1000));
    return Term{literal};
  }

  Term Tuple(int depth) {
    TupleLiteral tuple;
    tuple.elements = Some<Term>(1, [&] { return AnyTerm(depth + 1); });
    return Term{tuple};
  }

  // One level of precedence each, as the parser nests them.
  Term AnyTerm(int depth = 0) { return Chain(depth, /*columns=*/false); }
  Selector AnySelector(int depth = 0) { return Chain(depth, /*columns=*/true); }

  Term Chain(int depth, bool columns) {
    using Op = ArithmeticOperator;
    const auto product = [&] {
      return OneLevel({Op::kMultiply, Op::kDivide, Op::kModulo},
                      [&] { return Unary(depth, columns); });
    };
    return OneLevel({Op::kAdd, Op::kSubtract}, product);
  }

  template <typename Make>
  Term OneLevel(std::vector<ArithmeticOperator> operators, Make operand) {
    if (Upto(10) > 0) return operand();
    Arithmetic chain;
    chain.operands.push_back(operand());
    do {
      chain.operators.push_back(operators[Upto(static_cast<int>(operators.size()))]);
      chain.operands.push_back(operand());
    } while (Coin());
    return Term{chain};
  }

  Term Unary(int depth, bool columns) {
    if (depth >= 3 || Upto(10) > 0) return Postfix(depth, columns);
    Negation negation;
    negation.operand = {Unary(depth + 1, columns)};
    return Term{negation};
  }

  Term Postfix(int depth, bool columns) {
    Term primary = Primary(depth, columns);
    // A hint applies to the steps behind it too.
    if (!columns || depth >= 3 || Upto(8) > 0 || std::holds_alternative<TypeHint>(primary.value) ||
        std::holds_alternative<Literal>(primary.value)) {
      return primary;
    }
    Path path;
    path.base = {std::move(primary)};
    path.steps = Some<PathStep>(1, [&] {
      PathStep step;
      step.kind = static_cast<PathStep::Kind>(Upto(3));
      switch (step.kind) {
        case PathStep::Kind::kField:
          step.field = Name();
          break;
        case PathStep::Kind::kElement:
          step.from = AnyTerm(depth + 1);
          break;
        case PathStep::Kind::kSlice: {
          const int ends = 1 + Upto(3);
          if (ends & 1) step.from = AnyTerm(depth + 1);
          if (ends & 2) step.to = AnyTerm(depth + 1);
        }
      }
      return step;
    });
    return Term{path};
  }

  Term Primary(int depth, bool columns) {
    const auto terms = [&](int at_least) {
      return Some<Term>(at_least, [&] { return Chain(depth + 1, columns); });
    };
    switch (Upto(depth < 3 ? 13 : 4)) {
      case 0:
        return Term{AnyLiteral()};
      case 1:
        return MarkerTerm();
      case 2:
        return Term{NullLiteral()};
      case 3:
        if (!columns) return Term{NullLiteral()};
        return Coin() ? Term{Name()} : Term{CountRows()};
      case 4: {
        FunctionCall call;
        call.function = Qualified();
        call.arguments = terms(0);
        return Term{call};
      }
      case 5: {
        ListLiteral list;
        list.elements = terms(0);
        return Term{list};
      }
      case 6: {
        SetLiteral set;
        set.elements = terms(0);
        // The parser takes {name: ...} for a user-defined type.
        return Term{set};
      }
      case 7: {
        MapLiteral map;
        for (int n = 1 + Upto(2); n > 0; --n) {
          MapEntry& entry = map.entries.emplace_back();
          entry.key = Chain(depth + 1, columns);
          if (map.entries.size() == 1 && std::holds_alternative<Identifier>(entry.key.value)) {
            entry.key = Term{AnyLiteral()};
          }
          entry.value = Chain(depth + 1, columns);
        }
        return Term{map};
      }
      case 8: {
        UdtLiteral udt;
        for (int n = 1 + Upto(2); n > 0; --n) {
          FieldEntry& entry = udt.fields.emplace_back();
          entry.field = Name();
          entry.value = Chain(depth + 1, columns);
        }
        return Term{udt};
      }
      case 9: {
        Cast cast;
        cast.operand = {Chain(depth + 1, columns)};
        cast.type = Type(3);
        return Term{cast};
      }
      case 10: {
        TypeHint hint;
        hint.type.name = "list";
        hint.type.params = {Type(3)};
        hint.operand = {Postfix(depth + 1, columns)};
        return Term{hint};
      }
      case 11:
        return Term{AnyLiteral()};
      default:
        return Coin() ? Tuple(depth) : Term{TupleLiteral{{}, terms(1)}};
    }
  }

  Relation AnyRelation(bool column_only = false) {
    Relation relation;
    if (Upto(5) == 0) return PartRelation(column_only);
    relation.left = column_only ? Relation::Left::kColumn : static_cast<Relation::Left>(Upto(3));
    const bool column = relation.left == Relation::Left::kColumn;
    const bool tuple = relation.left == Relation::Left::kTuple;
    relation.columns = column ? std::vector<Identifier>{Name()} : Names();
    relation.op = static_cast<Operator>(Upto(column ? 11 : tuple ? 7 : 6));
    const auto operand = [&] {
      if (!tuple) return AnyTerm();
      return Coin() ? MarkerTerm() : Tuple(0);
    };
    if (relation.op == Operator::kIsNotNull) {
      relation.right = Term{NullLiteral()};
    } else if (relation.op != Operator::kIn) {
      relation.right = operand();
    } else if (Coin()) {
      relation.right = MarkerTerm();
    } else {
      TermList list;
      list.terms = Some<Term>(0, operand);
      relation.right = list;
    }
    return relation;
  }

  // m['k'] = 1; in conditions also u.f, and IN.
  Relation PartRelation(bool condition) {
    Relation relation;
    relation.columns = {Name()};
    relation.left = condition && Coin() ? Relation::Left::kField : Relation::Left::kElement;
    if (relation.left == Relation::Left::kField) {
      relation.field = Name();
    } else {
      relation.key = AnyTerm(2);
    }
    relation.op = static_cast<Operator>(Upto(condition ? 7 : 6));
    if (relation.op != Operator::kIn || Coin()) {
      relation.right = relation.op == Operator::kIn ? MarkerTerm() : AnyTerm();
    } else {
      TermList list;
      list.terms = Some<Term>(0, [this] { return AnyTerm(); });
      relation.right = list;
    }
    return relation;
  }

  std::vector<Relation> Relations(int at_least, bool column_only = false) {
    return Some<Relation>(at_least, [&] { return AnyRelation(column_only); });
  }

  UpdateParameters Parameters() {
    UpdateParameters parameters;
    switch (Upto(4)) {
      case 0:
        break;
      case 1:
        parameters.ttl = Count();
        break;
      case 2:
        parameters.timestamp = Count();
        break;
      default:
        parameters.ttl_first = Coin();
        if (parameters.ttl_first) parameters.ttl = Count();
        parameters.timestamp = Count();
        if (!parameters.ttl_first) parameters.ttl = Count();
    }
    return parameters;
  }

  std::vector<Ordering> Orderings() {
    return Some<Ordering>(0, [this] {
      Ordering ordering;
      ordering.column = Name();
      ordering.descending = Coin();
      return ordering;
    });
  }

  std::vector<Option> Options(int at_least) {
    int number = 0;
    return Some<Option>(at_least, [&] {
      Option option;
      option.name = NameText() + std::to_string(number++);
      if (Coin()) {
        option.value = Term{AnyLiteral()};
      } else {
        MapLiteral map;
        for (int n = Upto(3); n > 0; --n) {
          map.entries.push_back({Term{AnyLiteral()}, Term{AnyLiteral()}});
        }
        option.value = Term{map};
      }
      return option;
    });
  }

  SelectStatement Select() {
    SelectStatement select;
    select.json = Coin();
    select.distinct = Coin();
    select.items = Some<SelectItem>(0, [this] {
      SelectItem item;
      item.selector = AnySelector();
      if (Coin()) item.alias = Name();
      return item;
    });
    select.table = Qualified();
    select.where = Relations(0);
    select.group_by = Some<Selector>(0, [this] { return AnySelector(); });
    select.order_by = Orderings();
    if (Coin()) select.per_partition_limit = Count();
    if (Coin()) select.limit = Count();
    select.allow_filtering = Coin();
    return select;
  }

  InsertStatement Insert() {
    InsertStatement insert;
    insert.table = Qualified();
    if (Upto(3) == 0) {
      insert.json = MarkerTerm();
      insert.json_default_unset = Coin();
    } else {
      insert.columns = Names();
      insert.values = Some<Term>(1, [this] { return AnyTerm(); });
    }
    insert.if_not_exists = Coin();
    insert.parameters = Parameters();
    return insert;
  }

  template <typename T>
  void Conditions(T* statement) {
    statement->where = Relations(1);
    statement->if_exists = Upto(3) == 0;
    if (!statement->if_exists) statement->conditions = Relations(0, /*column_only=*/true);
  }

  UpdateStatement Update() {
    UpdateStatement update;
    update.table = Qualified();
    update.parameters = Parameters();
    update.assignments = Some<Assignment>(1, [this] {
      Assignment assignment;
      assignment.kind = static_cast<Assignment::Kind>(Upto(6));
      assignment.column = Name();
      if (assignment.kind == Assignment::Kind::kElement) assignment.key = AnyTerm(2);
      if (assignment.kind == Assignment::Kind::kField) assignment.field = Name();
      assignment.value = AnyTerm();
      return assignment;
    });
    Conditions(&update);
    return update;
  }

  DeleteStatement Delete() {
    DeleteStatement del;
    del.targets = Some<DeleteTarget>(0, [this] {
      DeleteTarget target;
      target.column = Name();
      switch (Upto(3)) {
        case 0:
          target.key = AnyTerm(2);
          break;
        case 1:
          target.field = Name();
          break;
        default:
          break;
      }
      return target;
    });
    del.table = Qualified();
    if (Coin()) del.parameters.timestamp = Count();
    Conditions(&del);
    return del;
  }

  BatchStatement Batch() {
    BatchStatement batch;
    batch.type = static_cast<BatchType>(Upto(3));
    batch.parameters = Parameters();
    batch.modifications =
        Some<BatchStatement::Modification>(0, [this]() -> BatchStatement::Modification {
          switch (Upto(3)) {
            case 0:
              return Insert();
            case 1:
              return Update();
            default:
              return Delete();
          }
        });
    return batch;
  }

  CreateKeyspaceStatement CreateKeyspace() {
    auto create = WithName<CreateKeyspaceStatement>(&CreateKeyspaceStatement::keyspace);
    create.if_not_exists = Coin();
    create.options = Options(1);
    return create;
  }

  std::vector<ColumnDefinition> Columns() {
    return Some<ColumnDefinition>(1, [this] {
      ColumnDefinition column;
      column.name = Name();
      column.type = Type();
      column.is_static = Coin();
      return column;
    });
  }

  FieldDefinition Field() {
    FieldDefinition field;
    field.name = Name();
    field.type = Type();
    return field;
  }

  std::vector<Rename> Renames() {
    return Some<Rename>(1, [this] {
      Rename rename;
      rename.from = Name();
      rename.to = Name();
      return rename;
    });
  }

  AlterTableStatement AlterTable() {
    using Kind = AlterTableStatement::Kind;
    AlterTableStatement alter;
    alter.if_exists = Coin();
    alter.table = Qualified();
    alter.kind = static_cast<Kind>(Upto(5));
    if (alter.kind != Kind::kOptions) alter.if_column = Coin();
    switch (alter.kind) {
      case Kind::kAdd:
        alter.columns = Columns();
        break;
      case Kind::kDrop:
        alter.names = Names();
        if (Coin()) alter.timestamp = Term{Literal{{}, Literal::Kind::kInteger, "-5"}};
        break;
      case Kind::kRename:
        alter.renames = Renames();
        break;
      case Kind::kAlter:
        alter.columns.resize(1);
        alter.columns[0].name = Name();
        alter.columns[0].type = Type();
        break;
      case Kind::kOptions:
        alter.options = Options(1);
        break;
    }
    return alter;
  }

  AlterTypeStatement AlterType() {
    using Kind = AlterTypeStatement::Kind;
    AlterTypeStatement alter;
    alter.if_exists = Coin();
    alter.type = Qualified();
    alter.kind = static_cast<Kind>(Upto(3));
    alter.if_field = Coin();
    if (alter.kind == Kind::kRename) {
      alter.renames = Renames();
    } else {
      alter.field = Field();
    }
    return alter;
  }

  CreateTableStatement CreateTable() {
    CreateTableStatement create;
    create.if_not_exists = Coin();
    create.table = Qualified();
    create.columns = Columns();
    create.primary_key.partition = Names();
    if (Coin()) create.primary_key.clustering = Names();
    create.clustering_order = Orderings();
    create.options = Options(0);
    return create;
  }

  DescribeStatement Describe() {
    DescribeStatement describe;
    using Kind = DescribeStatement::Kind;
    describe.kind = static_cast<Kind>(Upto(15));
    if (describe.kind == Kind::kSchema) describe.full = Coin();
    if (describe.kind == Kind::kKeyspace) {
      describe.only = Coin();
      if (Coin()) describe.target.name = NameText();
    } else if (describe.kind > Kind::kKeyspace) {
      describe.target = Qualified();
    }
    describe.with_internals = Coin();
    return describe;
  }

  std::mt19937_64 random_;
  int next_marker_ = 0;
};

}  // namespace tholos::cql::testing
