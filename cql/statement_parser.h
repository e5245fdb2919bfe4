// The productions, one method each, over one statement. Internal to the parser; parser.h is the
// interface.
//
// A method reads its construct from the cursor into `out` and returns whether it succeeded
// (TokenCursor keeps the error); after a failure `out` holds rubbish and the parser is of no
// further use.
//
//   file                      productions
//   parser.cc                 the choice of a statement, and what is not supported
//   parser_terms.cc           names, types, terms, selectors
//   parser_relations.cc       what WHERE and IF hold
//   parser_select.cc          SELECT
//   parser_modifications.cc   INSERT, UPDATE, DELETE, BATCH
//   parser_definitions.cc     CREATE and DROP of keyspaces and tables, TRUNCATE, USE
//   parser_alterations.cc     ALTER TABLE; CREATE, ALTER and DROP TYPE
//   parser_describe.cc        DESCRIBE
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "cql/ast.h"
#include "cql/parser.h"
#include "cql/token_cursor.h"

namespace tholos::cql {

class StatementParser : private TokenCursor {
 public:
  StatementParser(std::string_view text, const ParseOptions& options)
      : TokenCursor(text, options.start), options_(options) {}

  // The whole text. Once.
  bool ParseAll(ParsedStatement* out);

  using TokenCursor::status;

 private:
  bool AnyStatement(Statement* out);
  bool Create(Statement* out);
  bool Alter(Statement* out);
  bool Drop(Statement* out);

  // Fails on CREATE, DROP or ALTER of something else than keyspaces, tables and types.
  bool UnsupportedObject(std::string_view verb, Position start);

  // ---- parser_terms.cc: names

  bool TableName(QualifiedName* out);
  bool ColumnName(Identifier* out) { return Name("a column name", out); }
  bool KeyspaceName(Identifier* out) { return Name("a keyspace name", out); }
  bool ColumnNames(std::vector<Identifier>* out);  // a, b
  bool IfExists(bool* out);
  bool IfNotExists(bool* out);

  // ---- parser_terms.cc: types, terms, selectors

  // SET is reserved, but names a type.
  bool AtTypeName(size_t ahead = 0) const { return AtName(ahead) || At(Keyword::kSet, ahead); }
  bool Type(TypeName* out);
  bool TypeParams(TypeName* out);
  bool VectorDimension(uint32_t* out);

  bool AtLiteral() const;
  Literal TakeLiteral();
  bool AtMarker() const { return At(TokenKind::kQuestionMark) || At(TokenKind::kColon); }
  bool Marker(BindMarker* out);
  bool IntegerOrMarker(Term* out);

  bool AnyTerm(Term* out);
  bool AnySelector(Selector* out);
  bool TermWithColumns(bool columns, Term* out);
  bool NestedTerm(Term* out);  // a term or selector, as the one around it
  bool Product(Term* out);
  bool Chain(bool (StatementParser::*at_operator)(ArithmeticOperator*),
             bool (StatementParser::*operand)(Term*), Term* out);
  bool AdditiveOperator(ArithmeticOperator* out);
  bool MultiplicativeOperator(ArithmeticOperator* out);
  bool Unary(Term* out);
  bool Postfix(Term* out);
  bool Step(PathStep* out);
  bool Primary(Term* out);
  bool TermsUntil(TokenKind close, std::vector<Term>* out);  // may be empty
  bool BracedTerm(Term* out);
  bool Fields(UdtLiteral* out);
  bool MapTail(Term first_key, MapLiteral* out);
  bool Tuple(Term* out);
  bool AtTypeHint() const;
  bool Hinted(Term* out);
  bool WordTerm(Term* out);
  bool CastTerm(Term* out);
  bool FunctionNameAndParen(QualifiedName* out);
  bool AtFunctionCall(size_t ahead = 0) const;

  // ---- parser_relations.cc

  bool Relations(std::vector<Relation>* out);
  bool AnyRelation(Relation* out);
  bool ColumnRelation(bool condition, Relation* out);
  bool ElementRelation(bool condition, Relation* out);
  bool TupleRelation(Relation* out);
  bool TupleOperand(Term* out);
  bool TokenRelation(Relation* out);
  bool Comparison(Operator* out);  // =, !=, <, <=, >, >=
  bool AtOperator(size_t ahead) const;
  bool RelationOperator(Operator* out);
  bool InOperand(bool (StatementParser::*element)(Term*), Relation* out);

  // ---- parser_select.cc

  bool Select(SelectStatement* out);
  bool SelectModifiers(SelectStatement* out);
  bool IsModifier(Keyword keyword) const;
  bool SelectItems(std::vector<SelectItem>* out);
  bool SelectTail(SelectStatement* out);
  bool GroupBy(std::vector<Selector>* out);
  bool OrderBy(std::vector<Ordering>* out);
  bool OneOrdering(Ordering* out);

  // ---- parser_modifications.cc

  bool Insert(InsertStatement* out);
  bool Update(UpdateStatement* out);
  bool Delete(DeleteStatement* out);
  bool Batch(BatchStatement* out);
  bool BatchedModification(BatchStatement::Modification* out);
  bool Parameters(UpdateParameters* out);
  bool OneParameter(UpdateParameters* out);
  bool JsonValue(InsertStatement* out);
  bool OneAssignment(Assignment* out);
  bool AssignedValue(Assignment* out);
  bool OneTarget(DeleteTarget* out);
  bool ElementKey(std::optional<Term>* out);
  bool Conditions(bool* if_exists, std::vector<Relation>* out);

  // ---- parser_definitions.cc

  bool CreateKeyspace(CreateKeyspaceStatement* out);
  bool AlterKeyspace(AlterKeyspaceStatement* out);
  bool KeyspaceOptions(std::vector<Option>* out);
  bool CreateTable(CreateTableStatement* out);
  bool ColumnsAndKey(CreateTableStatement* out);
  bool OneColumn(CreateTableStatement* out);
  bool NameTypeStatic(ColumnDefinition* out);
  bool PrimaryKeyClause(CreateTableStatement* out);
  bool SetPrimaryKey(PrimaryKey key, CreateTableStatement* out);
  bool TableOptions(CreateTableStatement* out);
  bool ClusteringOrder(std::vector<Ordering>* out);
  bool OneOption(std::vector<Option>* out);
  bool OptionValue(Term* out);
  bool OptionLiteral(std::string_view what, Term* out);
  bool DropKeyspace(DropKeyspaceStatement* out);
  bool DropTable(DropTableStatement* out);
  bool Truncate(TruncateStatement* out);
  bool Use(UseStatement* out);

  // ---- parser_alterations.cc

  bool TypeNameOf(QualifiedName* out);  // of CREATE, ALTER and DROP TYPE
  bool CreateType(CreateTypeStatement* out);
  bool AlterType(AlterTypeStatement* out);
  bool DropType(DropTypeStatement* out);
  bool AlterTable(AlterTableStatement* out);
  bool AddColumns(AlterTableStatement* out);
  bool DropColumns(AlterTableStatement* out);
  bool AlterColumn(AlterTableStatement* out);
  bool Renames(std::vector<Rename>* out);

  // ---- parser_describe.cc

  bool Describe(DescribeStatement* out);
  bool DescribeTarget(DescribeStatement* out);
  bool DescribeAll(DescribeStatement* out);
  bool DescribeOne(DescribeStatement* out);

  // Counts a level of nesting for as long as it lives.
  class Level {
   public:
    explicit Level(StatementParser* parser) : parser_(parser) { ++parser_->depth_; }
    ~Level() { --parser_->depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

    // False, with the error recorded, if this level is one too many.
    bool ok() const;

   private:
    StatementParser* parser_;
  };

  const ParseOptions& options_;
  int depth_ = 0;
  int operators_ = 0;
  bool columns_ = false;        // a term may name columns: it is a selector
  bool before_column_ = false;  // the term may be followed by `+ column`
  std::vector<BindMarker> markers_;
  absl::flat_hash_set<std::string> option_names_;  // given so far
};

}  // namespace tholos::cql
