#include "cql/analysis/row_expression.h"

#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/elements.h"

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;
using data::Value;
using MaybeValue = absl::StatusOr<Value>;

class ColumnExpression final : public RowExpression {
 public:
  explicit ColumnExpression(ColumnRef column) : column_(column) {}
  MaybeValue Evaluate(Evaluation& evaluation) const override {
    std::string scratch;
    const std::optional<std::string_view> value = column_.ValueIn(*evaluation.view, &scratch);
    return value ? Value(std::string(*value)) : Value();
  }

 private:
  const ColumnRef column_;
};

class OperandExpression final : public RowExpression {
 public:
  explicit OperandExpression(size_t number) : number_(number) {}
  MaybeValue Evaluate(Evaluation& evaluation) const override {
    return evaluation.operands[number_];
  }

 private:
  const size_t number_;
};

class SlotExpression final : public RowExpression {
 public:
  explicit SlotExpression(size_t number) : number_(number) {}
  MaybeValue Evaluate(Evaluation& evaluation) const override { return evaluation.slots[number_]; }

 private:
  const size_t number_;
};

class CallExpression final : public RowExpression {
 public:
  CallExpression(FunctionPtr function, std::vector<RowExpressionPtr> arguments)
      : function_(std::move(function)), arguments_(std::move(arguments)) {}
  MaybeValue Evaluate(Evaluation& evaluation) const override {
    std::vector<Value> values;
    values.reserve(arguments_.size());
    for (const RowExpressionPtr& argument : arguments_) {
      THOLOS_ASSIGN_OR_RETURN(Value value, argument->Evaluate(evaluation));
      values.push_back(std::move(value));
    }
    return function_->call(evaluation.functions, values);
  }

 private:
  const FunctionPtr function_;
  const std::vector<RowExpressionPtr> arguments_;
};

class ElementExpression final : public RowExpression {
 public:
  ElementExpression(RowExpressionPtr base, DataType type, RowExpressionPtr key)
      : base_(std::move(base)), type_(std::move(type)), key_(std::move(key)) {}
  MaybeValue Evaluate(Evaluation& evaluation) const override {
    THOLOS_ASSIGN_OR_RETURN(const Value key, key_->Evaluate(evaluation));
    if (!key) return absl::InvalidArgumentError("Invalid null value for element selection");
    THOLOS_ASSIGN_OR_RETURN(const Value base, base_->Evaluate(evaluation));
    if (!base) return Value();
    const std::vector<std::string_view> parts = data::ElementsOf(type_, *base);
    const size_t step = type_.id() == TypeId::kMap ? 2 : 1;
    for (size_t i = 0; i + step <= parts.size(); i += step) {
      if (type_.arguments()[0].Compare(parts[i], *key) == 0) {
        return Value(std::string(parts[i + step - 1]));
      }
    }
    return Value();
  }

 private:
  const RowExpressionPtr base_;
  const DataType type_;
  const RowExpressionPtr key_;
};

// The ends of a slice of keys, evaluated.
struct KeyRange {
  Value from;
  Value to;

  static absl::StatusOr<KeyRange> Of(const RowExpressionPtr& from, const RowExpressionPtr& to,
                                     Evaluation& evaluation) {
    KeyRange range;
    if (from) {
      THOLOS_ASSIGN_OR_RETURN(range.from, from->Evaluate(evaluation));
    }
    if (to) {
      THOLOS_ASSIGN_OR_RETURN(range.to, to->Evaluate(evaluation));
    }
    if ((from && !range.from) || (to && !range.to)) {
      return absl::InvalidArgumentError("Invalid null value for slice selection");
    }
    return range;
  }
  bool Contains(const DataType& type, std::string_view key) const {
    return (!from || type.Compare(key, *from) >= 0) && (!to || type.Compare(key, *to) <= 0);
  }
};

class SliceExpression final : public RowExpression {
 public:
  SliceExpression(RowExpressionPtr base, DataType type, RowExpressionPtr from, RowExpressionPtr to)
      : base_(std::move(base)),
        type_(std::move(type)),
        from_(std::move(from)),
        to_(std::move(to)) {}
  MaybeValue Evaluate(Evaluation& evaluation) const override {
    THOLOS_ASSIGN_OR_RETURN(const KeyRange range, KeyRange::Of(from_, to_, evaluation));
    THOLOS_ASSIGN_OR_RETURN(const Value base, base_->Evaluate(evaluation));
    if (!base) return Value();
    const std::vector<std::string_view> parts = data::ElementsOf(type_, *base);
    const size_t step = type_.id() == TypeId::kMap ? 2 : 1;
    std::vector<std::string_view> within;
    for (size_t i = 0; i + step <= parts.size(); i += step) {
      if (!range.Contains(type_.arguments()[0], parts[i])) continue;
      within.insert(within.end(), &parts[i], &parts[i] + step);
    }
    if (within.empty() && type_.multi_cell()) return Value();
    return Value(data::EncodeSorted(type_, within));
  }

 private:
  const RowExpressionPtr base_;
  const DataType type_;
  const RowExpressionPtr from_;
  const RowExpressionPtr to_;
};

class FieldExpression final : public RowExpression {
 public:
  FieldExpression(RowExpressionPtr base, DataType type, size_t field)
      : base_(std::move(base)), type_(std::move(type)), field_(field) {}
  MaybeValue Evaluate(Evaluation& evaluation) const override {
    THOLOS_ASSIGN_OR_RETURN(const Value base, base_->Evaluate(evaluation));
    if (!base) return Value();
    const auto parts = data::PartsOf(type_, *base);
    const bool given = field_ < parts.size() && parts[field_];
    return given ? Value(std::string(*parts[field_])) : Value();
  }

 private:
  const RowExpressionPtr base_;
  const DataType type_;
  const size_t field_;
};

class LiteralExpression final : public RowExpression {
 public:
  LiteralExpression(DataType type, std::vector<RowExpressionPtr> parts)
      : type_(std::move(type)), parts_(std::move(parts)) {}
  MaybeValue Evaluate(Evaluation& evaluation) const override {
    std::vector<Value> values;
    for (const RowExpressionPtr& part : parts_) {
      Value value;
      if (part) {
        THOLOS_ASSIGN_OR_RETURN(value, part->Evaluate(evaluation));
      }
      values.push_back(std::move(value));
    }
    if (type_.id() == TypeId::kTuple || type_.id() == TypeId::kUdt) {
      return Value(data::EncodeTuple(values));
    }
    std::vector<std::string_view> elements;
    for (const Value& value : values) {
      if (!value) return absl::InvalidArgumentError("null is not supported inside collections");
      elements.emplace_back(*value);
    }
    switch (type_.id()) {
      case TypeId::kList:
        return Value(data::EncodeList(elements));
      case TypeId::kSet:
        return Value(data::EncodeSet(type_, std::move(elements)));
      case TypeId::kVector:
        return Value(data::EncodeVector(type_, elements));
      default:
        break;
    }
    std::vector<std::pair<std::string_view, std::string_view>> entries;
    for (size_t i = 0; i + 1 < elements.size(); i += 2) {
      entries.emplace_back(elements[i], elements[i + 1]);
    }
    return Value(data::EncodeMap(type_, std::move(entries)));
  }

 private:
  const DataType type_;
  const std::vector<RowExpressionPtr> parts_;
};

class CellPropertyExpression final : public RowExpression {
 public:
  explicit CellPropertyExpression(CellSelector selector) : selector_(std::move(selector)) {}

  MaybeValue Evaluate(Evaluation& evaluation) const override {
    const RowView& view = *evaluation.view;
    const ColumnRef& column = selector_.column;
    if (!column.multi_cell) return Of(column.CellIn(view), view);
    const DataType& type = column.column->type;
    if (selector_.key) {
      THOLOS_ASSIGN_OR_RETURN(const Value key, selector_.key->Evaluate(evaluation));
      if (!key) return absl::InvalidArgumentError("Invalid null value for element selection");
      return Of(column.CellIn(view, ElementPath(type.arguments()[0], *key)), view);
    }
    if (selector_.field) return Of(column.CellIn(view, FieldPath(*selector_.field)), view);
    std::vector<const data::Cell*> cells = column.CellsIn(view);
    if (selector_.is_slice) {
      THOLOS_ASSIGN_OR_RETURN(const KeyRange range,
                              KeyRange::Of(selector_.from, selector_.to, evaluation));
      // Paths order as the keys do.
      const Value from =
          range.from ? Value(ElementPath(type.arguments()[0], *range.from)) : Value();
      const Value to = range.to ? Value(ElementPath(type.arguments()[0], *range.to)) : Value();
      std::erase_if(cells, [&](const data::Cell* cell) {
        return (from && cell->path < *from) || (to && cell->path > *to);
      });
    }
    if (cells.empty()) return Value();
    if (selector_.property == CellProperty::kMaxWriteTime) return Latest(cells);
    return type.id() == TypeId::kUdt && !selector_.is_slice ? OfFields(view) : ListOf(cells, view);
  }

 private:
  Value Of(const data::Cell* cell, const RowView& view) const {
    if (cell == nullptr) return Value();
    if (selector_.property != CellProperty::kTtl) return data::EncodeBigint(cell->timestamp);
    if (!cell->expiring()) return Value();
    return data::EncodeInt(static_cast<int32_t>(cell->local_seconds - view.now_seconds));
  }

  static Value Latest(const std::vector<const data::Cell*>& cells) {
    data::Timestamp latest = data::kNoTimestamp;
    for (const data::Cell* cell : cells) latest = std::max(latest, cell->timestamp);
    return data::EncodeBigint(latest);
  }

  // Lists may hold nulls here: what has no TTL, or is not set.
  static Value Encoded(const std::vector<Value>& values) {
    std::string list;
    base::PutBigEndian32(&list, static_cast<uint32_t>(values.size()));
    for (const Value& value : values) {
      base::PutBigEndian32(&list, value ? static_cast<uint32_t>(value->size()) : 0xFFFFFFFFu);
      if (value) list += *value;
    }
    return list;
  }

  Value ListOf(const std::vector<const data::Cell*>& cells, const RowView& view) const {
    std::vector<Value> values;
    for (const data::Cell* cell : cells) values.push_back(Of(cell, view));
    return Encoded(values);
  }

  Value OfFields(const RowView& view) const {
    std::vector<Value> values;
    const size_t fields = selector_.column.column->type.arguments().size();
    for (size_t i = 0; i < fields; ++i) {
      values.push_back(Of(selector_.column.CellIn(view, FieldPath(i)), view));
    }
    return Encoded(values);
  }

  const CellSelector selector_;
};

}  // namespace

RowExpressionPtr MakeColumn(ColumnRef column) { return std::make_shared<ColumnExpression>(column); }
RowExpressionPtr MakeOperand(size_t number) { return std::make_shared<OperandExpression>(number); }
RowExpressionPtr MakeSlot(size_t number) { return std::make_shared<SlotExpression>(number); }
RowExpressionPtr MakeCall(FunctionPtr function, std::vector<RowExpressionPtr> arguments) {
  return std::make_shared<CallExpression>(std::move(function), std::move(arguments));
}
RowExpressionPtr MakeElement(RowExpressionPtr base, DataType type, RowExpressionPtr key) {
  return std::make_shared<ElementExpression>(std::move(base), std::move(type), std::move(key));
}
RowExpressionPtr MakeSlice(RowExpressionPtr base, DataType type, RowExpressionPtr from,
                           RowExpressionPtr to) {
  return std::make_shared<SliceExpression>(std::move(base), std::move(type), std::move(from),
                                           std::move(to));
}
RowExpressionPtr MakeField(RowExpressionPtr base, DataType type, size_t field) {
  return std::make_shared<FieldExpression>(std::move(base), std::move(type), field);
}
RowExpressionPtr MakeLiteral(DataType type, std::vector<RowExpressionPtr> parts) {
  return std::make_shared<LiteralExpression>(std::move(type), std::move(parts));
}
RowExpressionPtr MakeCellProperty(CellSelector selector) {
  return std::make_shared<CellPropertyExpression>(std::move(selector));
}

}  // namespace tholos::cql
